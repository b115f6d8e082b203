"""What runs a prepared file."""
