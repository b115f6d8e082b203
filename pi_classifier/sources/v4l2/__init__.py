"""USB and other cameras that the kernel shows as V4L2 nodes."""
