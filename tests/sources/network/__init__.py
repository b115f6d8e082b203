"""Of network cameras what needs no server of video."""
