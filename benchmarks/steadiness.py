"""Rules for labels that hold still, on an unsteady film: how often each changes, what it names, and how late.

    python benchmarks/steadiness.py --weights FILE --photos DIR [--videos FILE ...] [--seed N] [--json]

The film is made of photographs in memory: a hand holds them before a camera for about two seconds each, with blank
walls between, so that its truth is known. DIR holds the photographs and a labels.csv with the columns `file` and
`class_index`. Of other videos nobody knows the truth, so only changes are counted there. --film writes the film to a
file as well, to be looked at.

Every frame is classified once. All rules are given the same probabilities, of all frames and of every n-th. They are
those of other programs, with the defaults in their sources, beside this project's own.

A photograph can be named if its class is the model's best on more than half of its frames, and a rule has named it if
it shows that class while the photograph is there. A false start is a label that came and went without being true.
"""

import statistics
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2

if not __package__:  # run by its path: the package is found from the project's folder
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.shared.command_line import Parser, output, positive, print_result, progress_bar
from benchmarks.shared.failure import errors_in_one_line
from benchmarks.shared.own_runtimes import ASKED_FOR, NAMES, at_hand, libraries
from benchmarks.shared.photographs import labelled_photographs
from benchmarks.shared.provenance import Machine
from benchmarks.stability.classified import Classified, classify, likelihood, shown_by, update_us
from benchmarks.stability.figures import changes_a_minute, delays, nameable, on_film, spread
from benchmarks.stability.film import FPS, SCENE_SECONDS, Film, photographs_needed
from benchmarks.stability.report import table
from benchmarks.stability.rules import OURS, RAW, RULES
from pi_classifier.config.schema import ModelSettings
from pi_classifier.contracts.frame import Pixels
from pi_classifier.contracts.model import Model
from pi_classifier.errors import InputError
from pi_classifier.model import open_model
from pi_classifier.sources.files.video import Video

EVERY = (1, 2, 3, 6, 10)
"""Which frames of the film a rule is given: 30, 15, 10, 5 and 3 a second."""


class Show(NamedTuple):
    """Frames to be classified, at a steady rate."""

    name: str
    length: int
    """In frames, as far as that is known."""
    frames: Iterable[Pixels]
    fps: float


def opened(file: Path) -> Show:
    """A video. Raises InputError if it cannot be read or does not tell its rate; reading its frames may as well."""
    video = Video(file.stem, file)
    if video.pace_fps is None:
        raise InputError(f"{file}: does not tell its frame rate", remedy="name another video")
    return Show(file.stem, video.estimated_count, (frame.pixels for frame in video.frames()), video.pace_fps)


def classified(model: Model, shows: Sequence[Show]) -> list[Classified]:
    """The frames of each, through the model."""
    with progress_bar() as progress:
        return [
            classify(model, progress.track(show.frames, total=show.length or None, description=show.name), show.fps)
            for show in shows
        ]


def measure(film: Film, on: Classified, videos: dict[str, Classified]) -> dict[str, Any]:
    """What every rule makes of it. `on`: the film's frames; `videos`: those of others, by name."""
    classes, scenes = on.probabilities.shape[1], film.scenes
    to_name = nameable(shown_by(RULES[RAW](classes), on), scenes)
    rules: dict[str, dict[str, Any]] = {
        name: {
            "film": {
                str(FPS // every): on_film(shown_by(rule(classes), on, every), scenes, to_name, film.seconds)
                for every in EVERY
            },
            "videos": {
                video: changes_a_minute(shown_by(rule(classes), frames), frames.seconds)
                for video, frames in videos.items()
            },
        }
        for name, rule in RULES.items()
    }
    ours = shown_by(RULES[OURS](classes), on)
    unnamed = [likelihood(on, scene) for scene in to_name if not delays(ours, [scene])]
    inference, update = statistics.median(on.inference_us), statistics.median(update_us(on))
    return {
        "photographs": sum(scene.class_id is not None for scene in scenes),
        "walls": sum(scene.class_id is None for scene in scenes),
        "true_changes_a_minute": 60 * len(scenes) / film.seconds,
        "nameable": len(to_name),
        "unnamed_likelihood": max(unnamed, default=None),
        "spread": spread([film["changes_a_minute"] for film in rules[OURS]["film"].values()]),
        "cost": {"update_us": update, "inference_us": inference, "share": update / inference},
        "videos": list(videos),
        "rules": rules,
    }


def options() -> Namespace:
    """Of the command line."""
    parser = Parser(__doc__)
    parser.add_argument("--weights", required=True, metavar="FILE", help="state dict, or bundle, of a MobileNetV2")
    parser.add_labelled_photos()
    parser.add_argument("--videos", nargs="+", type=Path, default=[], metavar="FILE", help="others to count changes on")
    parser.add_argument("--seed", type=int, default=1, help="of the film (default: 1)")
    parser.add_argument("--seconds", type=positive, default=128, metavar="N", help="of the film, even (default: 128)")
    parser.add_argument("--film", type=output, metavar="FILE", help="write the film to this .avi as well")
    parser.add_argument(
        "--runtime", choices=NAMES, default=ASKED_FOR[at_hand()][-1], help="what runs the model (default: %(default)s)"
    )
    parser.add_json()
    arguments = parser.parse_args()
    # One of each class: two of a class in a row would be no change.
    arguments.photographs = list({one.class_id: one for one in labelled_photographs(arguments.photos)}.values())
    if arguments.seconds % SCENE_SECONDS:
        parser.error(f"--seconds {arguments.seconds} is no whole number of scenes; take an even number")
    if arguments.seed < 0:
        parser.error(f"--seed {arguments.seed} is below 0; take 0 or more")
    if len(arguments.photographs) < (needed := photographs_needed(arguments.seconds)):
        parser.error(f"{arguments.photos} shows too few classes; give photographs of {needed}, or fewer --seconds")
    return arguments


def main() -> None:
    """Measure and print."""
    arguments = options()
    film = Film(arguments.photographs, seconds=arguments.seconds, seed=arguments.seed)
    settings = ModelSettings(weights=arguments.weights, runtime=arguments.runtime, threads=1, top_k=1)
    with errors_in_one_line("steadiness"):
        videos = [opened(file) for file in arguments.videos]
        cv2.setNumThreads(1)
        if arguments.film:
            film.write(arguments.film)
        shows = [Show("film", film.count, film.frames(), FPS), *videos]
        on, *others = classified(open_model(settings, progress=False), shows)
    machine = Machine.here()
    result = {
        "machine": machine.briefly(*libraries(arguments.runtime), f"OpenCV {cv2.__version__}"),
        "command": machine.command,
        "seed": arguments.seed,
        "seconds": arguments.seconds,
        **measure(film, on, {video.name: frames for video, frames in zip(videos, others, strict=True)}),
    }
    print_result(result, table, as_json=arguments.json)


if __name__ == "__main__":
    main()
