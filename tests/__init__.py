"""Tests, one file a room of the house."""
