"""Whatever it is fed: mutated inputs of every kind that comes from outside, for a minute or for as long as wanted."""
