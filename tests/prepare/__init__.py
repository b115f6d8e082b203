"""Weights to prepared files."""
