"""What runs a prepared file: pixels in, results out. Nothing outside knows which runtime it is."""
