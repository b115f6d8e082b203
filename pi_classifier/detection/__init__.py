"""Detectors: a picture in, its objects with boxes out. Decoders are numpy and OpenCV alone; torch is never imported.

`opening` reads a file and finds out what it is (`recognition`); `letterbox` fills its input, a decoder makes candidates
of its outputs, `suppression` keeps the best, and `geometry` puts them back into the picture.
"""
