"""What is said where the machine had other things to do."""

BUSY = 1.2
"""Time over processor time, from which on it is said."""


def busy(waited: float) -> list[str]:
    """A sentence, or none. `waited`: a frame's time over its processor time, of the contender that waited most."""
    if waited < BUSY:
        return []
    return [f"The machine was busy: a frame took up to {waited:.1f} times its CPU time. Go by the CPU time."]
