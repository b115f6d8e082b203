"""Of `steadiness`: the unsteady film, the rules that are held to it, and what is made of their answers."""
