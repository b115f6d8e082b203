"""The command line's options, each written once and given to several commands."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pi_classifier import __version__
from pi_classifier.cli import ACTIVATIONS, RUN_FLAGS, Flag, app

VALUES: dict[str, tuple[str, Any]] = {
    "--source": ("synthetic:", "synthetic:"),
    "--model": ("resnet18", "resnet18"),
    "--weights": ("untrained", "untrained"),
    "--labels": ("labels.txt", "labels.txt"),
    "--runtime": ("litert", "litert"),
    "--threads": ("2", 2),
    "--top-k": ("3", 3),
    "--decoder": ("yolox", "yolox"),
    "--confidence": ("0.5", 0.5),
    "--iou": ("0.6", 0.6),
    "--max-detections": ("7", 7),
    "--frames": ("7", 7),
    "--metrics-listen": ("127.0.0.1:9200", "127.0.0.1:9200"),
    "--web": ("127.0.0.1:8080", "127.0.0.1:8080"),
    "--mqtt": ("broker", "broker"),
    "--log-format": ("json", "json"),
}
"""By flag: a value as it is given, and as the configuration then has it."""


PROGRAM = Path(sys.executable).with_name("pi-classifier")


@pytest.fixture
def empty(tmp_path: Path) -> str:
    """A configuration that sets nothing, in the place of this machine's own."""
    (tmp_path / "config.toml").touch()
    return str(tmp_path / "config.toml")


@pytest.mark.parametrize("flag", RUN_FLAGS, ids=lambda flag: flag.name)
def test_flag_sets_its_key(flag: Flag, empty: str) -> None:
    """Protects the flags of `run`: each sets the one value that it is for, and the configuration names it as origin."""
    given, expected = VALUES[flag.name]
    defaults = CliRunner().invoke(app, ["check-config", "--config", empty]).output
    shown = CliRunner().invoke(app, ["check-config", "--config", empty, flag.name, given]).output
    value: Any = tomllib.loads(shown)
    for part in flag.key:
        value = value[part]
    assert value == expected
    (line,) = set(shown.splitlines()) - set(defaults.splitlines())
    assert line.startswith(f"{flag.key[-1]} = ")
    assert line.endswith(f"# flag {flag.name}")


@pytest.mark.parametrize("command", ["run", "check-config"])
def test_help_names_every_flag(command: str) -> None:
    """Protects who asks for help: each flag is there with what it takes."""
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(app, [command, "--help"]).output
    for flag in RUN_FLAGS:
        assert flag.name in shown
        assert flag.metavar in shown
        assert flag.meaning in shown


@pytest.mark.parametrize(
    ("command", "flag"),
    [("classify", "--frames"), ("prepare", "--threads"), ("health", "--source"), ("run", ACTIVATIONS.name)],
)
def test_flag_of_another_command_is_refused(command: str, flag: str) -> None:
    """Protects from options without effect: a command takes the flags that change what it does, and no other."""
    result = CliRunner().invoke(app, [command, flag, "1"])
    assert result.exit_code == 2
    assert f"No such option: {flag}" in result.output


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("run", "--log"), "--log-format"),
        (("run", "--log-format", ""), "text json"),
        (("run", "--model", "res"), "resnet18 resnet50 resnext101_32x8d"),
        (("run", "--source", ""), ""),
        (("boot-config", ""), "status apply revert"),
    ],
)
def test_shell_completion(words: tuple[str, ...], offered: str) -> None:
    """Protects typing: bash completes commands, flags, and values where there are but a few."""
    script = (
        "source <(_PI_CLASSIFIER_COMPLETE=source_bash pi-classifier)\n"
        f"COMP_WORDS=(pi-classifier {' '.join(words)}); COMP_CWORD={len(words)}\n"
        '_pi_classifier_completion pi-classifier; echo "${COMPREPLY[@]}"'
    )
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    shown = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert shown.stdout.split() == offered.split()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("run", "--sorce", "x"),
            "No such option: --sorce (Possible options: --source); see 'pi-classifier run --help'",
        ),
        (("run", "--top-k", "x"), "Invalid value for '--top-k'"),
        (("run", "extra\nline"), "Got unexpected extra argument(s) (extra\\x0aline); see 'pi-classifier run --help'"),
        (("classify",), "Missing argument 'INPUT...'; see 'pi-classifier classify --help'"),
        (("nope",), "No such command 'nope'; see 'pi-classifier --help'"),
    ],
)
def test_usage_error_is_one_line(words: tuple[str, ...], message: str) -> None:
    """Protects scripts and journals: what cannot be understood is one line with where help is to be had, exit 2."""
    ended = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"pi-classifier: {message}")


@pytest.mark.parametrize("words", [(), ("boot-config",)])
def test_no_command_is_answered_with_help(words: tuple[str, ...]) -> None:
    """Protects the first try: who types no more than the name sees what there is, and a script its exit code 2."""
    ended = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "Usage: pi-classifier" in ended.stdout
    assert ended.stderr == ""


def test_version() -> None:
    """Protects bug reports: `--version` prints the version, and no more."""
    command = [sys.executable, "-m", "pi_classifier", "--version"]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert printed == f"pi-classifier {__version__}\n"


@pytest.mark.parametrize("broken", ["model = 3", "[model]\nnonsense = 1", "not TOML"])
def test_defaults_are_shown_whatever_the_configuration_is(broken: str, tmp_path: Path) -> None:
    """Protects the remedy of an unknown key: `--defaults` answers who has a configuration that cannot be read."""
    (tmp_path / "config.toml").write_text(broken, encoding="utf-8")
    shown = CliRunner().invoke(app, ["check-config", "--config", str(tmp_path / "config.toml"), "--defaults"])
    assert shown.exit_code == 0
    assert tomllib.loads(shown.output)["model"]["name"] == "mobilenet_v2"
