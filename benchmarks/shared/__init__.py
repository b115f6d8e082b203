"""What several programs need: their options, their children, their photographs, and where a result comes from."""
