"""Events and states to a broker, as far as that needs none."""
