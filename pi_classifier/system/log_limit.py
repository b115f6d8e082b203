"""How often one kind of line may be logged."""

LINE_SECONDS = 60.0


class LogLimit:
    """Lets one line a minute through, which tells for how many occasions it stands. Belongs to one thread."""

    def __init__(self) -> None:
        self._occasions = 0
        self._next_line_at = float("-inf")

    def occasions(self, now: float) -> int:
        """There is one more occasion: how many there were since the last line, if it is time for one, else 0.

        `now`: seconds of `time.monotonic()`.
        """
        self._occasions += 1
        if now < self._next_line_at:
            return 0
        self._next_line_at = now + LINE_SECONDS
        occasions, self._occasions = self._occasions, 0
        return occasions
