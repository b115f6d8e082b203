"""What the options that several benchmarks have make of what is typed."""

import pytest

from benchmarks.shared.command_line import Parser
from benchmarks.shared.own_runtimes import NAMES, libraries


def test_runtime_is_one_or_both(capsys: pytest.CaptureFixture[str]) -> None:
    """Protects the comparison: what is asked for takes part, both if nothing is said, and a slip ends in one line."""
    parser = Parser("")
    parser.add_runtime()
    asked = {words: parser.parse_args(words).runtimes for words in ((), ("--runtime", "both"), ("--runtime", "litert"))}
    assert asked == {(): tuple(NAMES), ("--runtime", "both"): tuple(NAMES), ("--runtime", "litert"): ("litert",)}
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(("--runtime", "torch"))
    (line,) = capsys.readouterr().err.splitlines()
    assert "torchscript, litert, both" in line


def test_libraries_are_named_once() -> None:
    """Protects the provenance of a figure: the library of each runtime that took part, with its version."""
    torch, litert = libraries("torchscript", "torchscript", "litert")
    assert torch.startswith("torch ")
    assert litert.startswith("LiteRT ")
