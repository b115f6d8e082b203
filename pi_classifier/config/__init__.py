"""What can be configured, and where each value comes from. Reading it needs neither torch nor OpenCV."""
