"""Of benchmarks/training.py: pi-classifier's ways to learn own classes, and the usual way."""
