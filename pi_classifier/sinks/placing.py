"""Where the labels of boxes stand: none over another, and all within the picture; as in the page's `placing.js`."""

from collections.abc import Sequence

MOVES = 4
"""Lines that a label may move up or down, where there is no room at its box's edges."""
Rectangle = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, right and bottom exclusive."""
Point = tuple[int, int]
"""Left and top, in pixels."""


def placed(boxes: Sequence[Rectangle], sizes: Sequence[tuple[int, int]], width: int, height: int) -> list[Point | None]:
    """A place for each label: above its box, else below it, inside it, or moved up or down from there.

    The first ones choose first. The work is bounded: some places are tried for each.

    Args:
        boxes: the most important first.
        sizes: of their labels, width and height in pixels.
        width: of the picture, in pixels.
        height: of the picture, in pixels.

    Returns:
        The upper left of each label; None where there is no room for it.
    """
    taken: list[Rectangle] = []
    places: list[Point | None] = []
    for box, size in zip(boxes, sizes, strict=True):
        rectangles = (_rectangle(place, size) for place in _candidates(box, size, width, height))
        free = next((one for one in rectangles if not any(_overlap(one, other) for other in taken)), None)
        places.append(free and free[:2])
        if free:
            taken.append(free)
    return places


def _candidates(box: Rectangle, size: tuple[int, int], width: int, height: int) -> list[Point]:
    """The places of a label within the picture, the best first: each at the left edge of its box, then at the right."""
    left, top, right, bottom = box
    across, high = size
    if across > width:
        return []
    tops = [top - high, bottom, top, bottom - high]
    for move in range(1, MOVES + 1):
        tops += [top + move * high, top - (move + 1) * high]
    lefts = [min(max(0, at), width - across) for at in (left, right - across)]
    return [(at, y) for y in tops for at in lefts if 0 <= y <= height - high]


def _rectangle(place: Point, size: tuple[int, int]) -> Rectangle:
    return (*place, place[0] + size[0], place[1] + size[1])


def _overlap(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
