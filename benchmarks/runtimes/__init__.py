"""Of `peers`: the runtimes that it compares, each in a process of its own."""
