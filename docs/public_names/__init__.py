"""The names that others rely on, found in the code: page.py lists them."""
