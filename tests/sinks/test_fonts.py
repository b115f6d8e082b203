"""A font for any text: what a label says is never lost in silence."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import ImageFont
from PIL._util import DeferredError

from pi_classifier.errors import CannotWrite
from pi_classifier.sinks.fonts import FOLDERS, NONCHARACTER, Fonts, drawable

SIZE = 20
BARE = Fonts(folders=())
"""What a machine without fonts of its own has."""


def installed(file: str, package: str) -> Path:
    """A font of the system."""
    for folder in FOLDERS:
        for path in folder.rglob(file):
            return path
    pytest.skip(f"a font is needed: apt install {package}")


def pieces(fonts: Fonts, text: str) -> list[tuple[str, str]]:
    """The runs of a text, each with its font's name."""
    return [(str(font.getname()[0]), piece) for font, piece in fonts.runs(text, SIZE)]  # type: ignore[union-attr]


def fonts_of(folder: Path, originals: Sequence[Path]) -> Fonts:
    """Fonts of a machine that has these alone."""
    for original in originals:
        shutil.copy(original, folder)
    return Fonts([folder])


def test_english_is_in_pillows_font(tmp_path: Path) -> None:
    """Protects ImageNet's labels from the looks of whatever a system has: they look the same on all machines."""
    fonts = fonts_of(tmp_path, [installed("DejaVuSans.ttf", "fonts-dejavu-core")])
    text = "62.1% black-and-gold spider, Argiope's…"
    assert pieces(fonts, text) == pieces(BARE, text) == [("Aileron", text)]


def test_label_is_in_one_font_that_holds_it_all(tmp_path: Path) -> None:
    """Protects the looks of words with accents: not a letter of another font amid them."""
    fonts = fonts_of(tmp_path, [installed("DejaVuSans.ttf", "fonts-dejavu-core")])
    assert pieces(fonts, "crème brûlée, кошка") == [("DejaVu Sans", "crème brûlée, кошка")]
    assert pieces(fonts, "кошка 猫") == [("DejaVu Sans", "кошка "), ("Aileron", NONCHARACTER)]
    # Shaping puts a vowel sign that stands alone on a dotted circle, and that the font holds.
    assert pieces(fonts, "हि") == [("Aileron", NONCHARACTER)] * 2


def test_several_fonts_of_the_system_are_searched(tmp_path: Path) -> None:
    """Protects scripts that the preferred font lacks, and one that has been seen before is found again."""
    files = [installed("DejaVuSans.ttf", "fonts-dejavu-core"), installed("NotoSansCJK-Regular.*", "fonts-noto-cjk")]
    fonts = fonts_of(tmp_path, files)
    for _ in range(2):
        assert pieces(fonts, "水母") == [("Noto Sans CJK JP", "水母")]
        assert pieces(fonts, "кошка") == [("DejaVu Sans", "кошка")]
    assert pieces(fonts, "سلام 猫") == [("DejaVu Sans", "سلام "), ("Noto Sans CJK JP", "猫")]


def test_what_no_font_holds_is_replaced() -> None:
    """Protects labels on a machine without fonts: accents go, and every other character is a box."""
    runs = pieces(BARE, "crème 猫🐱x")
    assert {font for font, _ in runs} == {"Aileron"}
    assert "".join(piece for _, piece in runs) == f"creme {NONCHARACTER * 2}x"


@given(st.text(st.characters(exclude_categories=())))
@example("\xa8\xaf\xb4\xb8")  # Accents on a space, by their decomposition.
def test_no_character_is_lost(text: str) -> None:
    """Protects any label: each of its characters but spaces is drawn as something that is seen."""
    shown = drawable(text)
    runs = BARE.runs(shown, SIZE)
    assert sum(len(piece.replace(" ", "")) for _, piece in runs) >= len(shown.replace(" ", ""))
    for font, piece in runs:
        assert all(font.getmask(character).getbbox() for character in piece.replace(" ", ""))


@given(st.text(st.sampled_from("ab \t\n\r\x1c\x1d\x1e\x85\u2028\u2029\xa0\u200b\ufeff\u202e\u00ad\ufe0f\U000e0061")))
def test_white_space_is_a_space_and_the_invisible_is_left_out(text: str) -> None:
    """Protects one line a label, and labels from files that begin with a byte order mark."""
    assert set(drawable(text)) <= set("ab ")
    assert drawable(text) == " ".join("".join(c for c in text if c.isspace() or c in "ab").split())


def test_control_characters_and_halves_of_characters_are_seen() -> None:
    """Protects from labels that look the same and are not: what is no text has a replacement."""
    assert drawable("a\x00b\x1bc\ud800") == "a\ufffdb\ufffdc\ufffd"
    assert drawable("e\u0301") == "é"


def test_file_that_is_no_font_is_passed_by(tmp_path: Path) -> None:
    """Protects from a damaged font of the system: the others do."""
    (tmp_path / "DejaVuSans.ttf").write_bytes(os.urandom(1000))
    (tmp_path / "NotoSans-Regular.ttf").mkdir()
    fonts = Fonts([tmp_path, tmp_path / "not there"])
    assert pieces(fonts, "к") == [("Aileron", NONCHARACTER)]


def test_pillow_without_freetype_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects who built Pillow himself: one line with the remedy, before anything is classified."""
    # What Pillow has in the module's place where it could not be imported.
    monkeypatch.setattr(ImageFont, "core", DeferredError(ImportError("The _imagingft C module is not installed")))
    with pytest.raises(CannotWrite, match="Pillow was built without FreeType; install its wheel"):
        Fonts()
