"""Judges a TorchScript archive before torch loads it. Free of torch.

A TorchScript archive is a program: torch runs what it finds there, and that may read files, write files or never end.
But `prepare` writes few programs, one an architecture, and in them nothing differs but numbers. So a program is not
searched for what it must not do. It has to be one of those few, character for character, with layers of the same
shapes: `known` has the fingerprint of each.
"""
