"""The fonts that labels are drawn with: Pillow's own, and for letters that it lacks those of the system."""

import contextlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import ImageFont

from pi_classifier.errors import CannotWrite

FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
"""Where packages and administrators put fonts (Filesystem Hierarchy Standard)."""
FILES = ("DejaVuSans.ttf", "NotoSans-Regular.*", "NotoSansCJK-Regular.*", "NotoSans*-Regular.*", "DroidSansFallback*")
"""Of fonts that look well beside Pillow's, those to be preferred first: upright, without serifs, of normal weight."""
# Default_Ignorable_Code_Point of the Unicode Character Database: what has no picture, and yet is drawn as one by a font
# that does not know it. Without the joiners, for they change the shapes of Persian and Indic letters.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, for which some fonts have an empty picture, and halves of characters."""
REPLACEMENT = "\ufffd"
NONCHARACTER = "\uffff"
"""Which no font holds: every font draws its box for a missing character instead."""
PROBE_SIZE = 32

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Run = tuple[Font, str]
"""Text, and a font that holds it."""


def drawable(text: str) -> str:
    """The text as it is drawn: composed, any white space one space, and without what is invisible."""
    text = " ".join(INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())
    return NO_TEXT.sub(REPLACEMENT, text)


class Fonts:
    """Finds a font for any text. Fonts are opened when they are needed, and kept. For one thread at a time.

    Raises CannotWrite when it is made: this Pillow cannot draw with fonts.
    """

    def __init__(self, folders: Sequence[Path] = FOLDERS) -> None:
        """`folders`: where the system's fonts lie; those that are not there do no harm."""
        self._bundled = _Face(None)
        self._opened = [self._bundled]
        self._unopened = _system_faces(folders)

    def runs(self, text: str, size: int) -> list[Run]:
        """The text cut into as few pieces as may be, each with a font of `size` pixels that holds it.

        What no font holds is there without its accents, or else as the box that stands for a missing character.
        """
        runs = []
        while text:
            face, length = self._best(text)
            if length:
                piece = text[:length]
            else:
                face, length, piece = self._bundled, 1, self._substitute(text[0])
            runs.append((face.at(size), piece))
            text = text[length:]
        return runs

    def _best(self, text: str) -> tuple["_Face", int]:
        """The face that holds most of the beginning of the text, and how many characters."""
        best, longest = self._bundled, 0
        for face in self._faces():
            length = face.held(text)
            if length > longest:
                best, longest = face, length
            if longest == len(text):
                break
        return best, longest

    def _faces(self) -> Iterator["_Face"]:
        yield from self._opened
        for face in self._unopened:
            self._opened.append(face)
            yield face

    def _substitute(self, character: str) -> str:
        letters = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)).strip()
        return letters if letters and self._bundled.held(letters) == len(letters) else NONCHARACTER


class _Face:
    """One font in any size, and what it holds. Raises OSError when it is made: not a font, or not for this user."""

    def __init__(self, path: Path | None) -> None:
        """`path`: None for the font that is part of Pillow."""
        self._path = path
        # Without shaping, which gives a missing character more than the box where it joins others.
        self._probe = _load(path, PROBE_SIZE, ImageFont.Layout.BASIC)
        self._missing = self._picture(NONCHARACTER)
        self._holds: dict[str, bool] = {}
        self._sizes: dict[int, Font] = {}

    def at(self, size: int) -> Font:
        """The font in this size, in pixels."""
        if size not in self._sizes:
            self._sizes[size] = _load(self._path, size)
        return self._sizes[size]

    def held(self, text: str) -> int:
        """How many characters, from the first on, the font holds."""
        for number, character in enumerate(text):
            if character not in self._holds:
                self._holds[character] = self._picture(character) != self._missing
            if not self._holds[character]:
                return number
        return len(text)

    def _picture(self, character: str) -> tuple[tuple[int, int], bytes]:
        mask = self._probe.getmask(character)
        return mask.size, bytes(mask)


def _load(path: Path | None, size: int, layout: ImageFont.Layout | None = None) -> Font:
    if path:
        return ImageFont.FreeTypeFont(path, size, layout_engine=layout)  # truetype() looks for one elsewhere
    try:
        return ImageFont.load_default(size)
    except ImportError:
        raise CannotWrite(
            "labels cannot be drawn: Pillow was built without FreeType",
            remedy="install its wheel, pip install --force-reinstall --only-binary=:all: pillow",
        ) from None


def _system_faces(folders: Sequence[Path]) -> Iterator[_Face]:
    """Of the files that can be opened, each once."""
    paths = (path for pattern in FILES for folder in folders for path in sorted(folder.rglob(pattern)))
    for path in dict.fromkeys(paths):
        with contextlib.suppress(OSError):
            yield _Face(path)
