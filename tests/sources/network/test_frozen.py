"""Pictures that stand still."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.contracts.frame import Pixels
from pi_classifier.sources.network.frozen import FrozenPicture


def picture(value: int) -> Pixels:
    """One of its kind."""
    return np.full((4, 6, 3), value, np.uint8)


@given(st.lists(st.tuples(st.floats(0.01, 3.0), st.booleans()), max_size=60))
def test_frozen_is_what_was_the_same_for_so_long(steps: list[tuple[float, bool]]) -> None:
    """Protects from both errors: a live picture taken for a frozen one, and a frozen one that is shown as live."""
    frozen, now, value, same_since, looked_same_since = FrozenPicture(5.0), 100.0, 0, None, None
    for seconds, changes in steps:
        now, value = now + seconds, value + changes
        same_since = now if changes or same_since is None else same_since
        if frozen.is_frozen(picture(value), now):
            assert now - same_since >= 5.0
            looked_same_since = same_since
    if looked_same_since is None and same_since is not None and now - same_since >= 7.0:
        assert frozen.is_frozen(picture(value), now + 1.0)


def test_a_change_ends_it() -> None:
    """Protects a camera that was restarted: with the first other picture it is well again."""
    frozen = FrozenPicture(5.0)
    assert [frozen.is_frozen(picture(1), now) for now in (100.0, 103.0, 105.5)] == [False, False, True]
    frozen.reconnected()
    assert frozen.is_frozen(picture(1), 105.6), "the same as before the reconnect"
    frozen.reconnected()
    assert not frozen.is_frozen(picture(2), 105.7)
    assert not frozen.is_frozen(picture(2), 110.0)


def test_zero_is_never() -> None:
    """Protects who watches what never moves."""
    frozen = FrozenPicture(0.0)
    assert not any(frozen.is_frozen(picture(1), now) for now in range(0, 4000, 100))


def test_the_memory_may_be_used_again() -> None:
    """Protects from comparing a picture with itself: a source gives every frame in the same memory."""
    frozen, memory = FrozenPicture(5.0), picture(0)
    for now in range(100, 120):
        memory[:] = now
        assert not frozen.is_frozen(memory, now)
