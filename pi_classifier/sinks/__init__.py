"""Where predictions and statistics are shown. A sink never blocks the inference loop, and none knows of another."""
