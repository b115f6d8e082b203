"""Where frames come from: cameras on V4L2 and CSI, files, a test pattern. Each is a `FrameSource`."""
