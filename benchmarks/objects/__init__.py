"""Of `detection`: the daemon's pipeline with a detector, what people usually build instead, and the bare runtime."""
