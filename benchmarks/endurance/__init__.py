"""Of `soak`: the daemon that is watched, and the verdict on what was seen."""
