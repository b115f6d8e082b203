"""The list of programs that may be loaded, and the command that writes it."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from pi_classifier.config.schema import ModelSettings
from pi_classifier.errors import ModelError
from pi_classifier.prepare.bundle import prepare
from pi_classifier.prepare.programs import OWN, demo, judged, source, with_features
from pi_classifier.prepare.store import DEMO_BUNDLE
from pi_classifier.prepare.torchvision_models import ARCHITECTURES
from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.runtimes.program import known
from pi_classifier.runtimes.program.archive import Archive
from pi_classifier.runtimes.program.check import checked_program, fingerprint, operators, own_code

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
RENEW = "if that is meant, 'make programs' renews the list"


def test_list_is_what_the_command_writes() -> None:
    """Protects the list from hands: it has every architecture, in the form that `make programs` gives it."""
    assert list(known.PROGRAMS) == [*ARCHITECTURES, "demo"], RENEW
    assert Path(known.__file__).read_text(encoding="utf-8") == source(
        known.PROGRAMS, known.WITH_FEATURES, known.OPERATORS
    ), RENEW


# All eleven are loaded, and so held to the list, in test_prepare.py; here it is two with every activation.
@pytest.mark.parametrize("activations", ["quint8", "qint8"])
@pytest.mark.parametrize("name", ["mobilenet_v2", "shufflenet_v2_x0_5"])
def test_list_has_what_is_prepared(name: str, activations: Literal["quint8", "qint8"]) -> None:
    """Protects every start: what `prepare` writes is on the list under its name, for either type of activations."""
    content = prepare(ModelSettings(name=name, weights="untrained"), activations=activations).program("torchscript")
    archive = Archive(content)
    code = own_code(archive)
    assert fingerprint(code, archive) == known.PROGRAMS[name], RENEW
    assert operators(code) <= known.OPERATORS, RENEW
    assert checked_program(content, name)


def test_program_with_features_is_on_its_own_list() -> None:
    """Protects own classes, and everything else: their program is taken where features are due, and nowhere else."""
    content, plain = with_features(), prepare(ModelSettings(weights="untrained")).program("torchscript")
    assert judged(content)[0] == known.WITH_FEATURES[OWN], RENEW
    assert checked_program(content, "own", features=True)
    assert checked_program(plain, "plain")
    for program, features in ((content, False), (plain, True)):
        with pytest.raises(ModelError, match="no program that this release prepares"):
            checked_program(program, "other", features=features)


def test_demonstration_is_on_the_list() -> None:
    """Protects the model that comes along: its network, as this release makes it, and the file that was made of it."""
    assert judged(demo())[0] == known.PROGRAMS["demo"], RENEW
    assert judged(read_bundle(DEMO_BUNDLE).program("torchscript"))[0] == known.PROGRAMS["demo"]


@pytest.mark.parametrize("classes", [1, 6, 5000])
def test_list_has_models_of_other_classes(monkeypatch: pytest.MonkeyPatch, classes: int) -> None:
    """Protects models of one's own: with any number of classes it is the same program."""
    name = "shufflenet_v2_x0_5"
    monkeypatch.setitem(ARCHITECTURES, name, replace(ARCHITECTURES[name], options=(("num_classes", classes),)))
    archive = Archive(prepare(ModelSettings(name=name, weights="untrained")).program("torchscript"))
    assert fingerprint(own_code(archive), archive) == known.PROGRAMS[name]


def test_narrower_model_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects time and memory: a program is known with the sizes of its layers."""
    name = "mobilenet_v2"
    monkeypatch.setitem(ARCHITECTURES, name, replace(ARCHITECTURES[name], options=(("width_mult", 0.25),)))
    archive = Archive(prepare(ModelSettings(name=name, weights="untrained")).program("torchscript"))
    assert fingerprint(own_code(archive), archive) not in known.PROGRAMS.values()
