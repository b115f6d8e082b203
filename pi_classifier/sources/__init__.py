"""Frames from anything that is no live V4L2 camera.

Every source here and in `capture.py` keeps one contract: `fps` is its own rate in frames a second, or None if its
frames come when they come; `frames()` opens it and yields `Frame`s until it ends or is lost, and may be called again;
closing the generator releases whatever was opened.
"""
