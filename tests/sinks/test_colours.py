"""The colours of classes."""

from itertools import combinations

import pytest

from pi_classifier.sinks.colours import Colour, colour_of


def luminance(colour: Colour) -> float:
    """That of sRGB, 0 to 1, as WCAG 2 defines it."""
    blue, green, red = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (part / 255 for part in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("ids", [range(1000), range(65000, 65536)])
def test_black_letters_are_readable_on_each(ids: range) -> None:
    """Protects reading: black on the colour of any class has the contrast of 4.5 to 1 that WCAG 2 asks of text."""
    assert min((luminance(colour_of(class_id)) + 0.05) / 0.05 for class_id in ids) >= 4.5


def test_classes_look_different() -> None:
    """Protects telling them apart: of the first ten classes no two are nearly alike, and of 80 no two the same."""
    assert min(
        max(abs(a - b) for a, b in zip(*pair, strict=True)) for pair in combinations(map(colour_of, range(10)), 2)
    ) > 25  # fmt: skip
    assert len(set(map(colour_of, range(80)))) == 80
