"""Files instead of cameras: every frame of them, one after another."""
