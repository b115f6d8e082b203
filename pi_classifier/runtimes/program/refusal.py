"""What is said of an archive that `prepare` did not write."""


class NotPrepared(ValueError):
    """Something that `prepare` never writes; `str()` of it is what."""
