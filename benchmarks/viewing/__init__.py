"""Of `web`: the daemon's pipeline with its page, what people usually build instead, and those who look."""
