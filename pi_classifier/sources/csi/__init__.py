"""CSI cameras on Raspberry Pi OS Bookworm and later, where libcamera alone can drive them.

Their V4L2 nodes hold raw sensor data there. Two ways lead to pictures: picamera2, a Python package that comes from apt,
and `rpicam-vid`, a program that writes frames to a pipe and needs nothing of our Python.
"""
