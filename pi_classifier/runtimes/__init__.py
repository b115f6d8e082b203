"""What runs a prepared file: pixels in, results out. Nothing outside but `model.py` knows which runtime it is."""
