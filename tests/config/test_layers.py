"""Files, environment and flags to settings."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_classifier.config.address import ListenAddress
from pi_classifier.config.layers import Key, Origin, load
from pi_classifier.config.schema import CameraSettings, Settings
from pi_classifier.errors import ConfigError

WriteToml = Callable[[str], Path]


@pytest.fixture
def toml(tmp_path: Path) -> WriteToml:
    """Writes a config.toml."""

    def write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_defaults_are_the_documented_ones(toml: WriteToml) -> None:
    """Protects the tutorial's numbers: 224x224 at 36 fps, qnnpack, top 5, a line a second, port 9100."""
    settings = load(file=toml("")).settings
    assert settings == Settings()
    assert settings.camera[0] == CameraSettings(name="camera", source="auto", width=224, height=224, fps=36)
    assert (settings.model.engine, settings.model.top_k, settings.log.interval_seconds) == ("qnnpack", 5, 1)
    assert settings.metrics.listen == ListenAddress("0.0.0.0", 9100)  # noqa: S104 - compared, not bound


def test_precedence(toml: WriteToml) -> None:
    """Protects who wins: flags over environment over file over defaults, key by key."""
    file = toml('[model]\ntop_k = 1\nthreads = 1\nweights = "a.pth"\n')
    environment = {"PI_CLASSIFIER_MODEL__TOP_K": "2", "PI_CLASSIFIER_MODEL__THREADS": "2"}
    configuration = load(file=file, environment=environment, flags={("model", "top_k"): Origin(3, "flag --top-k")})
    model = configuration.settings.model
    assert (model.top_k, model.threads, model.weights, model.engine) == (3, 2, "a.pth", "qnnpack")
    assert configuration.origins["model", "top_k"].place == "flag --top-k"
    assert configuration.origins["model", "threads"].place == "environment PI_CLASSIFIER_MODEL__THREADS"
    assert configuration.origins["model", "weights"].place == str(file)
    assert ("model", "engine") not in configuration.origins


def test_effective_configuration_is_a_configuration(toml: WriteToml) -> None:
    """Protects `check-config`: what it prints is TOML that gives the same settings, each line with its origin."""
    text = '[[camera]]\nname = "front"\n[[camera]]\nname = "back"\nfps = 25\n[metrics]\nlabels = ["tench", "a b"]\n'
    configuration = load(file=toml(text), flags={("metrics", "listen"): Origin("", "flag --metrics-listen")})
    printed = configuration.to_toml()
    assert load(file=toml(printed)).settings == configuration.settings
    assert "# flag --metrics-listen" in printed
    assert "# default" in printed
    assert 'name = "back"' in printed


def test_several_cameras(toml: WriteToml) -> None:
    """Protects cameras from one another: each keeps its keys, from the file and by index from the environment."""
    file = toml('[[camera]]\nname = "front"\n[[camera]]\nname = "back"\nfps = 25\n')
    configuration = load(file=file, environment={"PI_CLASSIFIER_CAMERA__1__SOURCE": "/dev/video2"})
    assert [(one.name, one.source, one.fps) for one in configuration.settings.camera] == [
        ("front", "auto", 36),
        ("back", "/dev/video2", 25),
    ]


def test_environment_of_lists_of_lists(toml: WriteToml) -> None:
    """Protects polygons in containers: they are JSON; a password that looks like one stays as it is."""
    environment = {
        "PI_CLASSIFIER_MASK__POLYGON": "[[0, 0], [1, 0], [1, 0.5]]",
        "PI_CLASSIFIER_CAMERA__PASSWORD": '[["a"]]',
    }
    settings = load(file=toml(""), environment=environment).settings
    assert settings.mask[0].polygon == ((0, 0), (1, 0), (1, 0.5))
    assert settings.camera[0].password == '[["a"]]'  # noqa: S105 - none


def test_environment_of_the_only_camera_and_of_lists(toml: WriteToml) -> None:
    """Protects containers and units: the only camera needs no index, a list is separated by commas."""
    environment = {
        "PI_CLASSIFIER_CAMERA__SOURCE": "synthetic:",
        "PI_CLASSIFIER_METRICS__LABELS": "tench, water bottle",
        "PI_CLASSIFIER_TEST_DATA": "no configuration: it has no double underscore",
    }
    settings = load(file=toml(""), environment=environment).settings
    assert settings.camera[0].source == "synthetic:"
    assert settings.metrics.labels == ("tench", "water bottle")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[model]\nthrads = 3", "unknown key model.thrads (from {}); did you mean model.threads?"),
        ("[modle]\nthreads = 3", "unknown key modle (from {}); did you mean model?"),
        ("[[camera]]\nsorce = 'x'", "unknown key camera.0.sorce (from {}); did you mean camera.0.source?"),
        (
            "[zzz]\nqqq = 1",
            "unknown key zzz (from {}); known are camera, model, detect, log, steadiness, watch, object, zone, mask, "
            "metrics, web, mqtt, webhook, run",
        ),
        ("[model]\nthreads = 0", "model.threads"),
        ("[model]\ntop_k = 'five'", 'model.top_k = "five" (from {}) is no whole number; write one, without quotes'),
        (
            "[model]\nthreads = 'many'",
            'model.threads = "many" (from {}) is no number of threads; give 1 to 256, or "auto"',
        ),
        ("[model]\nthreads = true", "model.threads = true (from {}) is no number of threads"),
        ("[run]\nframes = true", "run.frames = true (from {}) is no whole number; write one, without quotes"),
        ("[[camera]]\nfps = true", "camera.0.fps = true (from {}) is no number; write one, without quotes"),
        ("[log]\nformat = false", "log.format = false (from {}) is none of text, json; take one of these"),
        ("[metrics]\nlisten = false", "metrics.listen = false (from {}) is no text"),
        ("[model]\nname = 'mobilnet_v2'", "did you mean mobilenet_v2?"),
        ("[log]\nformat = 'yaml'", 'log.format = "yaml" (from {}) is none of text, json; take one of these'),
        ("[log]\nsummary_seconds = -1", "log.summary_seconds = -1 (from {}) is less than 0; give 0 or more"),
        ("[run]\nnice = 20", "run.nice = 20 (from {}) is more than 19; give 19 or less"),
        (f"[run]\nframes = {'9' * 5000}", "not valid TOML"),
        (
            f"[run]\nframes = 0x{'f' * 5000}",
            "run.frames = a number of thousands of digits (from {}) is more than",
        ),
        (f"[model]\nweights = '{'a' * 5000}'", "is longer than 4096 characters; shorten it"),
        ("[model]\nweights = ''", 'model.weights = "" (from {}) is empty'),
        ("".join(f"[[camera]]\nname = 'c{number}'\n" for number in range(65)), "camera has too many entries"),
        ("[model]\nengine = 'cuda'", 'model.engine = "cuda" (from {})'),
        ("[[camera]]\nwidth = 3", "camera.0.width = 3 (from {}) is less than 16; give 16 or more"),
        ("[[camera]]\nfps = -1", "camera.0.fps = -1 (from {})"),
        ("[[camera]]\nname = 'a b'", 'camera.0.name = "a b" (from {})'),
        ("[[camera]]\nname='a'\n[[camera]]\nname='a'", "two cameras are called 'a'"),
        ("[[camera]]\nfps = 1\n[[camera]]\nfps = 2", "two cameras are called 'camera'"),
        ("[[camera]]\nname='a'\ngroup = 'a b'", 'camera.0.group = "a b" (from {}) is no name for a group; give it'),
        (
            "[[camera]]\nname='a'\ngroup='x'\n[[camera]]\nname='b'\ngroup='y'\n[[camera]]\nname='c'\ngroup='y'",
            "'a' is the only camera of the group 'x' (from {}); give another [[camera]] group = \"x\" as well, or take",
        ),
        ("[[camera]]\n[[camera]]", "camera 0 is empty"),
        ("[camera]\nname = 'a'", "write [[camera]]"),
        ("camera = []", "write [[camera]]"),
        ("camera = [1]", "camera (from {}) is no key"),
        ("[metrics]\nlisten = '9100'", 'metrics.listen = "9100" (from {})'),
        ("[metrics]\nlisten = ':99999'", "has a port over 65535"),
        ("[metrics]\nlisten = 'a..b:80'", "has a host that is neither a name nor an address"),
        ("[metrics]\nlisten = 80", 'metrics.listen = 80 (from {}) is no text; write "127.0.0.1:9100" or'),
        ("[metrics]\nlabels = 'tench'", 'metrics.labels = "tench" (from {}) is no list; write it as one: ["a", "b"]'),
        ("model = 3", "model (from {}) is no key"),
        ("[model", "not valid TOML"),
        ("[model.threads]\na = 1", "model.threads"),
    ],
)
def test_bad_file(toml: WriteToml, text: str, complaint: str) -> None:
    """Protects the user from guessing: one line says which value, from where, and what it should be."""
    file = toml(text)
    with pytest.raises(ConfigError) as refusal:
        load(file=file)
    assert complaint.format(file) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("PI_CLASSIFIER_MODEL__THRADS", "3", "did you mean model.threads?"),
        ("PI_CLASSIFIER_MODLE__THREADS", "3", "did you mean model?"),
        ("PI_CLASSIFIER_MODEL__TOP_K", "lots", 'model.top_k = "lots" (from environment PI_CLASSIFIER_MODEL__TOP_K)'),
        ("PI_CLASSIFIER_CAMERA__1__SOURCE", "auto", "camera 1 is set but not all before it"),
        ("PI_CLASSIFIER_CAMERA__X__SOURCE", "auto", "is no key"),
        ("PI_CLASSIFIER_CAMERA__0__FPS__X", "1", "is no key"),
        ("PI_CLASSIFIER_LOG__FORMAT", "xml", "log.format"),
    ],
)
def test_bad_environment(toml: WriteToml, name: str, value: str, complaint: str) -> None:
    """Protects units and containers: a misspelt or wrong variable is named, never ignored."""
    with pytest.raises(ConfigError) as refusal:
        load(file=toml(""), environment={name: value})
    assert complaint in str(refusal.value)
    assert name in str(refusal.value) or "camera 1" in str(refusal.value)


def test_source_flag_with_several_cameras(toml: WriteToml) -> None:
    """Protects from a flag that would silently mean the first camera only."""
    file = toml('[[camera]]\nname = "front"\n[[camera]]\nname = "back"\n')
    with pytest.raises(ConfigError, match="fits one camera and several are configured"):
        load(file=file, flags={("camera", 0, "source"): Origin("synthetic:", "flag --source")})


def test_missing_and_unreadable_file(tmp_path: Path) -> None:
    """Protects from running with defaults where a file was named that is not there."""
    with pytest.raises(ConfigError, match="No such file"):
        load(file=tmp_path / "nowhere.toml")
    with pytest.raises(ConfigError, match="directory"):
        load(file=tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load(file=tmp_path / "latin.toml")


@given(
    st.dictionaries(
        st.sampled_from(["model.threads", "model.top_k", "log.interval_seconds", "run.frames", "metrics.labels"]),
        st.one_of(
            st.integers(),
            st.floats(),
            st.text(),
            st.booleans(),
            st.lists(st.text()),
            st.dictionaries(st.text(), st.text()),
        ),
    )
)
def test_any_value_is_taken_or_refused_in_one_line(values: dict[str, object]) -> None:
    """Protects from tracebacks: whatever stands behind a key, it is settings or a ConfigError."""
    flags: dict[Key, Origin] = {tuple(key.split(".")): Origin(value, f"flag {key}") for key, value in values.items()}
    complaint = ""
    try:
        load(file=Path("/dev/null"), flags=flags)
    except ConfigError as error:
        complaint = str(error)
    assert "\n" not in complaint
