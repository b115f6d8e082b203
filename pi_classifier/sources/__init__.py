"""Where frames come from: cameras on V4L2 and CSI, files, drawn scenes. Each is a `FrameSource`."""
