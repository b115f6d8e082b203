"""The programs of benchmarks/: what they say of made-up figures, and short real runs."""
