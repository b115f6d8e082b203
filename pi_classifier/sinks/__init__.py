"""Where predictions go. A sink never blocks the hot loop, and none knows of another."""
