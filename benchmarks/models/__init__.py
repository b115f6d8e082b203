"""Of `compare_models`: its figures, its outputs, and the processes that prepare and run models."""
