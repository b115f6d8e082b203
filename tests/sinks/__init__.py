"""Where predictions and statistics are shown."""
