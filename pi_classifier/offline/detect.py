"""`classify` with a detector: every frame of files, as a table, as lines of JSON, or as COCO's results."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pi_classifier.contracts.detection import Detection
from pi_classifier.contracts.frame import Pixels
from pi_classifier.detection.detector import Detector
from pi_classifier.errors import ConfigError, InputError, one_line
from pi_classifier.offline.inputs import on_disk
from pi_classifier.offline.outputs import copies_of
from pi_classifier.offline.walk import look_at_all
from pi_classifier.sinks.boxes import Boxes
from pi_classifier.sinks.objects import detection_object

Detections = tuple[Detection, ...]
COCO_GAPS = frozenset({12, 26, 29, 30, 45, 66, 68, 69, 71, 83})
"""The numbers that COCO gave up, of 1 to 90: models of its other 80 labels count without them."""
COCO_IDS = tuple(number for number in range(1, 91) if number not in COCO_GAPS)


def detect(
    inputs: Sequence[str],
    detector: Detector,
    *,
    json_lines: bool,
    coco: bool,
    output: Path | None = None,
    overwrite: bool = False,
) -> bool:
    """Look for objects in every frame of every input and print what is found.

    Args:
        inputs: paths of pictures, videos and folders; `-` is one picture or video on stdin.
        detector: that looks.
        json_lines: one JSON object a line instead of a table for people.
        coco: one JSON array of COCO's results instead of either.
        output: a folder for copies with the boxes drawn on them.
        overwrite: whether a copy may replace a file that was there before; an input it never replaces.

    Returns:
        False if any input could not be read, or not to its end; it is reported, and the others are still done.

    Raises:
        CannotWrite: nowhere to write.
        ConfigError: two formats at once.
    """
    if coco and json_lines:
        raise ConfigError("--json and --format coco are two formats", remedy="give one of them")
    find = detector.new_finder()

    def look(pixels: Pixels, *, still: bool) -> Detections:  # noqa: ARG001 - a detector takes both alike
        return find(pixels)

    with on_disk(inputs) as items:
        copies = copies_of(items, output, Boxes, overwrite=overwrite)
        report = CocoReport(detector.metadata.categories) if coco else JsonReport() if json_lines else _TableReport()
        good = look_at_all(items, look, report, copies)
    if isinstance(report, CocoReport):
        report.end()
    return good


class JsonReport:
    """One JSON object a line on stdout. A `Report`."""

    def seen(self, name: str, number: int, found: Detections, /) -> None:
        """Print one frame."""
        self._print({"input": name, "frame": number, "detections": [detection_object(one) for one in found]})

    def failed(self, name: str, error: InputError) -> None:
        """Print why an input could not be read, or not to its end."""
        self._print({"input": name, "error": str(error)})

    def _print(self, line: dict[str, object]) -> None:
        print(json.dumps(line, ensure_ascii=False))


class CocoReport:
    """COCO's results, a JSON array on stdout: https://cocodataset.org/#format-results. A `Report`."""

    def __init__(self, labels: Sequence[str]) -> None:
        """`labels`: the detector's."""
        ours = len(labels) == len(COCO_IDS) and (labels[0], labels[-1]) == ("person", "toothbrush")
        self._ids = COCO_IDS if ours else ()
        self._before = "["

    def seen(self, name: str, number: int, found: Detections, /) -> None:
        """Print one frame's; a picture's id is the number that its file is called by, or else that name."""
        stem = Path(name).stem + (f"#{number}" if number else "")
        image_id = int(stem) if stem.isascii() and stem.isdigit() and len(stem) <= 18 else stem
        for one in found:
            left, top, right, bottom = one.box
            box = [round(left, 3), round(top, 3), round(right - left, 3), round(bottom - top, 3)]
            category = self._ids[one.class_id] if one.class_id < len(self._ids) else one.class_id + 1
            result = {"image_id": image_id, "category_id": category, "bbox": box, "score": round(one.confidence, 6)}
            print(f"{self._before}{json.dumps(result)}", end="")
            self._before = ",\n"

    def failed(self, name: str, error: InputError) -> None:  # noqa: ARG002 - the error names it
        """Print why an input could not be read, on stderr."""
        print(f"pi-classifier: {error}", file=sys.stderr)

    def end(self) -> None:
        """Close the array."""
        print("[]" if self._before == "[" else "]")


class _TableReport:
    def __init__(self) -> None:
        print("INPUT  FRAME  DETECTIONS")

    def seen(self, name: str, number: int, found: Detections, /) -> None:
        best = ", ".join(
            f"{one.confidence:.1%} {one.label} ({', '.join(f'{side:.0f}' for side in one.box)})" for one in found
        )
        print(f"{one_line(name)}  {number}  {best or '-'}")

    def failed(self, name: str, error: InputError) -> None:
        print(f"{one_line(name)}  error", flush=True)
        print(f"pi-classifier: {error}", file=sys.stderr)
