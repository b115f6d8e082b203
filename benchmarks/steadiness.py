"""Rules for labels that hold still, on unsteady films: how often each changes, what it names, and how late.

    python benchmarks/steadiness.py --weights FILE --photos DIR [--videos FILE ...] [--seed N] [--films N]
        [--json]

A film is made of photographs in memory: a hand holds them before a camera for about two seconds each, with blank
walls between, so that its truth is known. DIR holds the photographs and a labels.csv with the columns `file` and
`class_index`. Chance weighs much in a film of 64 scenes: --films makes several, of as many seeds. Of other videos
nobody knows the truth, so only changes are counted there. --film writes the first film to a file, to be looked at.

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
from benchmarks.stability.figures import Scene, Showing, changes_a_minute, delays, nameable, on_films, spread
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


class Filmed(NamedTuple):
    """A film through the model."""

    film: Film
    frames: Classified
    to_name: list[Scene]

    @classmethod
    def of(cls, film: Film, frames: Classified) -> "Filmed":
        """With the scenes that the model can name."""
        raw = RULES[RAW](frames.probabilities.shape[1])
        return cls(film, frames, nameable(shown_by(raw, frames), film.scenes))

    def shown_by(self, name: str, every: int = 1) -> Showing:
        """What a rule, by its name, shows with every n-th frame."""
        rule = RULES[name](self.frames.probabilities.shape[1])
        return Showing(shown_by(rule, self.frames, every), self.film.scenes, self.to_name, self.film.seconds)


def measure(films: Sequence[Filmed], videos: dict[str, Classified]) -> dict[str, Any]:
    """What every rule makes of films, equally long, and of videos, by name."""
    rules: dict[str, dict[str, Any]] = {
        name: {
            "film": {str(FPS // every): on_films([film.shown_by(name, every) for film in films]) for every in EVERY},
            "videos": {
                video: changes_a_minute(shown_by(rule(frames.probabilities.shape[1]), frames), frames.seconds)
                for video, frames in videos.items()
            },
        }
        for name, rule in RULES.items()
    }
    scenes = [scene for film in films for scene in film.film.scenes]
    return {
        "photographs": sum(scene.class_id is not None for scene in scenes),
        "walls": sum(scene.class_id is None for scene in scenes),
        "true_changes_a_minute": 60 * len(scenes) / sum(film.film.seconds for film in films),
        "nameable": sum(len(film.to_name) for film in films),
        "unnamed_likelihood": max((one for film in films for one in unnamed(film)), default=None),
        "spread": spread([film["changes_a_minute"] for film in rules[OURS]["film"].values()]),
        "cost": cost(films[0].frames),
        "videos": list(videos),
        "rules": rules,
    }


def unnamed(film: Filmed) -> list[float]:
    """How likely the model finds each photograph that it could name and our rule does not."""
    ours = film.shown_by(OURS).shown
    return [likelihood(film.frames, scene) for scene in film.to_name if not delays(ours, [scene])]


def cost(frames: Classified) -> dict[str, float]:
    """Of our rule, beside the model's."""
    inference, update = statistics.median(frames.inference_us), statistics.median(update_us(frames))
    return {"update_us": update, "inference_us": inference, "share": update / inference}


def options() -> Namespace:
    """Of the command line."""
    parser = Parser(__doc__)
    parser.add_argument("--weights", required=True, metavar="FILE", help="state dict, or bundle, of a MobileNetV2")
    parser.add_labelled_photos()
    parser.add_argument("--videos", nargs="+", type=Path, default=[], metavar="FILE", help="others to count changes on")
    parser.add_argument("--seed", type=int, default=1, help="of the first film (default: 1)")
    parser.add_argument("--films", type=positive, default=1, metavar="N", help="of the seeds that follow (default: 1)")
    parser.add_argument("--seconds", type=positive, default=128, metavar="N", help="of a film, even (default: 128)")
    parser.add_argument("--film", type=output, metavar="FILE", help="write the first film to this .avi as well")
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
    names = [file.stem for file in arguments.videos]
    if twice := next((name for name in names if names.count(name) > 1), None):
        parser.error(f"two videos are called {twice}; rename one, or it could not be told from the other")
    return arguments


def main() -> None:
    """Measure and print."""
    arguments = options()
    seeds = range(arguments.seed, arguments.seed + arguments.films)
    films = [Film(arguments.photographs, seconds=arguments.seconds, seed=seed) for seed in seeds]
    settings = ModelSettings(weights=arguments.weights, runtime=arguments.runtime, threads=1, top_k=1)
    with errors_in_one_line("steadiness"):
        videos = [opened(file) for file in arguments.videos]
        cv2.setNumThreads(1)
        if arguments.film:
            films[0].write(arguments.film)
        shows = [Show(f"film {seed}", film.count, film.frames(), FPS) for seed, film in zip(seeds, films, strict=True)]
        frames = classified(open_model(settings, progress=False), [*shows, *videos])
    machine = Machine.here()
    result = {
        "machine": machine.briefly(*libraries(arguments.runtime), f"OpenCV {cv2.__version__}"),
        "command": machine.command,
        "seed": arguments.seed,
        "films": arguments.films,
        "seconds": arguments.seconds,
        **measure(
            [Filmed.of(film, of_film) for film, of_film in zip(films, frames, strict=False)],
            {video.name: of_video for video, of_video in zip(videos, frames[len(films) :], strict=True)},
        ),
    }
    print_result(result, table, as_json=arguments.json)


if __name__ == "__main__":
    main()
