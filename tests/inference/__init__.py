"""The inference loop, and what turns with it."""
