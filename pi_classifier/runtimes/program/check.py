"""Holds a TorchScript program to those that `prepare` writes."""

import hashlib
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping

from pi_classifier.errors import ModelError
from pi_classifier.runtimes.metadata import AGAIN
from pi_classifier.runtimes.program.archive import Archive
from pi_classifier.runtimes.program.constants import read_constants
from pi_classifier.runtimes.program.known import OPERATORS, PROGRAMS, WITH_FEATURES
from pi_classifier.runtimes.program.refusal import NotPrepared

_BEGINNING = re.compile(
    r"\Aclass \w+\(Module\):\n  __parameters__ = \[\]\n  __buffers__ = \[\]\n  def forward\(self: [\w.]+,\n", re.ASCII
)
"""The class is called by the module that defines it and by how many others torch has met before."""
_OWN_BEGINNING = (
    "class Program(Module):\n  __parameters__ = []\n  __buffers__ = []\n  def forward(self: __torch__.Program,\n"
)
_QUANTISED_RESULT = re.compile(
    r"^(    \w+ = ops\.quantized\.\w+\(.+), \d[\d.]*(?:e-\d+)?, -?\d{1,3}\)$", re.ASCII | re.MULTILINE
)
"""Its last two arguments are scale and zero point, the only numbers of a program that come from the weights."""
_CALLED = re.compile(r"(?<![\w.])(?<!class )(?<!def )([A-Za-z_.][\w.]*)\(", re.ASCII)
_SHOWN = 120
"""Characters of a reason that stand in an error: what it quotes is somebody else's."""


def checked_program(content: bytes, name: str, remedy: str = AGAIN, *, features: bool = False) -> bytes:
    """The program and weights of a TorchScript archive, in an archive written anew for `torch.jit.load`.

    Args:
        content: the archive, as `prepare` writes it.
        name: what an error calls it.
        remedy: how to get another.
        features: whether the program has to give features beside the logits; else it must not.

    Raises:
        ModelError: a damaged archive, or one with a program that `prepare` writes for no architecture.
    """
    try:
        return _rewritten(content, WITH_FEATURES if features else PROGRAMS)
    except NotPrepared as error:
        reason = f"no program that this release prepares ({str(error)[:_SHOWN]})"
        remedy += ", under a release of torch that pi-classifier is pinned to"
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, OverflowError) as error:
        reason = f"damaged or cut short ({str(error)[:_SHOWN]})"
    raise ModelError(f"{name}: {reason}", remedy=remedy)


def _rewritten(content: bytes, programs: Mapping[str, str]) -> bytes:
    archive = Archive(content)
    code = own_code(archive)
    if foreign := operators(code) - OPERATORS:
        raise NotPrepared(f"it calls {min(foreign)}")
    if fingerprint(code, archive) not in programs.values():
        raise NotPrepared("its steps and layers are those of no architecture")
    return archive.rewritten(code)


def own_code(archive: Archive) -> str:
    """The code, where the class has the name that it is loaded under."""
    return _BEGINNING.sub(_OWN_BEGINNING, archive.code())


def operators(code: str) -> frozenset[str]:
    """Whatever the code calls, by its name there: `torch.flatten`, `ops.quantized.conv2d`."""
    return frozenset(_CALLED.findall(code))


def fingerprint(code: str, archive: Archive) -> str:
    """SHA-256 of the code but for scales and zero points, and of the layers' shapes but for the number of classes.

    Raises:
        NotPrepared: constants that are no layers.
    """
    *shapes, (_, *inputs) = _shapes(archive)
    # No code has the ellipsis in it: it is ASCII.
    same = (_QUANTISED_RESULT.sub(r"\1, …)", code), shapes, inputs)
    return hashlib.sha256(repr(same).encode()).hexdigest()


def _shapes(archive: Archive) -> Iterator[tuple[int, ...]]:
    """Of each layer the shape of its weights and a convolution's numbers; the last layer is the classifier."""
    for layer in read_constants(archive.read("constants.pkl"), archive.storages()):
        numbers = archive.read(f"constants/{layer.convolution}") if layer.convolution else b""
        yield (*layer.weight, *struct.unpack(f"<{len(numbers) // 2}h", numbers))
