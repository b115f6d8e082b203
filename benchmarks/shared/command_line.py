"""What all programs here have in common on a terminal: options, progress, and the result."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import Progress

from benchmarks.shared.own_runtimes import ASKED_FOR, at_hand
from benchmarks.shared.photographs import LABELS
from pi_classifier.contracts.model import Runtime


class Parser(argparse.ArgumentParser):
    """A program's options. What it does not understand, it says in one line."""

    def __init__(self, description: str | None) -> None:
        """`description`: the program's docstring."""
        super().__init__(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)

    def add_json(self) -> None:
        """--json, for `print_result`."""
        self.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def add_rounds(self, default: int, what: str) -> None:
        """--rounds. `what`: that one is for."""
        self.add_argument("--rounds", type=positive, default=default, metavar="N", help=f"{what} (default: {default})")

    def add_runtime(self) -> None:
        """--runtime, which is given as a tuple."""
        self.add_argument(
            "--runtime",
            dest="runtimes",
            type=runtimes,
            default=at_hand(),
            metavar="|".join(ASKED_FOR),
            help="of pi-classifier (default: both where LiteRT is installed)",
        )

    def add_labelled_photos(self) -> None:
        """--photos, for `labelled_photographs`."""
        self.add_argument(
            "--photos", type=labelled_folder, required=True, metavar="DIR", help="photographs and their labels.csv"
        )

    def error(self, message: str) -> NoReturn:
        """End with code 2."""
        self.exit(2, f"{self.prog}: {message}\n")


def positive(text: str) -> int:
    """A number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} should be 1 or more")
    return int(text)


def runtimes(text: str) -> tuple[Runtime, ...]:
    """One of pi-classifier's runtimes, or both."""
    if text not in ASKED_FOR:
        raise argparse.ArgumentTypeError(f"{text!r} should be one of {', '.join(ASKED_FOR)}")
    return ASKED_FOR[text]


def folder(text: str) -> Path:
    """A folder to read from."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder; name the one that holds the files")
    return Path(text)


def labelled_folder(text: str) -> Path:
    """A folder of photographs that says what they show."""
    if not (folder(text) / LABELS).is_file():
        raise argparse.ArgumentTypeError(f"{text} holds no {LABELS}; name a folder with one")
    return Path(text)


def output(text: str) -> Path:
    """A file to write, in a folder that is there: found out before an hour of measuring, not after it."""
    if not Path(text).absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text}: there is no such folder; make it first")
    return Path(text)


def progress_bar() -> Progress:
    """On a terminal, on stderr; it is gone when the result is there."""
    return Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)


def print_result(result: dict[str, Any], table: Callable[[dict[str, Any]], str], *, as_json: bool) -> None:
    """The result on stdout, as JSON or as the table that is made of it."""
    print(json.dumps(result, indent=2) if as_json else table(result))
