"""Programs that `prepare` did not write, and archives that are none of its own."""

import io
import random
import re
import struct
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pi_classifier.errors import ModelError
from pi_classifier.runtimes.bundle import read_bundle
from pi_classifier.runtimes.program.archive import Archive
from pi_classifier.runtimes.program.check import checked_program, fingerprint, operators, own_code
from pi_classifier.runtimes.program.known import OPERATORS, PROGRAMS
from pi_classifier.runtimes.torchscript import TorchScriptModel, new_input
from tests.runtimes.program.archives import archived, code_name, members

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def good(untrained_model_file: Path) -> dict[str, bytes]:
    """The members of an archive that `prepare` wrote."""
    return members(read_bundle(untrained_model_file).program("torchscript"))


def refusal(content: bytes) -> str:
    """The one line that the archive is refused with."""
    with pytest.raises(ModelError) as refused:
        checked_program(content, "evil.pt")
    line = str(refused.value)
    assert line.startswith("evil.pt: ")
    assert "; make the file again with 'prepare'" in line
    assert line.isprintable()
    assert len(line) < 300
    return line


def with_code(files: Mapping[str, bytes], old: str, new: str, count: int = 1) -> bytes:
    """An archive in whose code something stands for something else."""
    name = code_name(files)
    code = files[name].decode()
    assert old in code
    return archived({**files, name: code.replace(old, new, count).encode()})


def test_program_is_the_same_program(untrained_model_file: Path) -> None:
    """Protects exactness: what is written anew gives the logits of the file itself, bit for bit."""
    content = read_bundle(untrained_model_file).program("torchscript")
    model = TorchScriptModel(read_bundle(untrained_model_file), threads=1, top_k=5)
    picture, pixels = new_input(model.metadata)
    pixels[:] = torch.randint(0, 256, pixels.shape, generator=torch.Generator().manual_seed(1)).numpy()
    with torch.inference_mode():
        expected = torch.jit.load(io.BytesIO(content))(picture)
        assert torch.equal(torch.jit.load(io.BytesIO(checked_program(content, "good.pt")))(picture), expected)


def test_only_what_was_judged_is_in_it(good: dict[str, bytes]) -> None:
    """Protects from what nobody looks at: torch gets code, constants and our own members, whatever else was there."""
    unread = {name: b"\x80\x02cos\nsystem\n." for name in good if name.endswith((".debug_pkl", "data.pkl", "_id"))}
    assert len(unread) == 4
    written = members(checked_program(archived({**good, **unread}), "file"))
    assert written == members(checked_program(archived(good), "file"))
    others = {name.partition("/")[2] for name in written if "/constants/" not in name}
    assert others == {"data.pkl", "constants.pkl", "code/__torch__.py", "version", "byteorder"}


def test_judging_needs_no_torch(untrained_model_file: Path) -> None:
    """Protects the start on a Raspberry Pi: a program is judged before torch is imported, and without it."""
    code = (
        "import sys, pathlib; from pi_classifier.runtimes.program.check import checked_program; "
        "from pi_classifier.runtimes.bundle import read_bundle; "
        "assert checked_program(read_bundle(pathlib.Path(sys.argv[1])).program('torchscript'), 'file'); "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, untrained_model_file], check=True)


FIRST = "    _0 = "
"""The beginning of the first step."""
STEPS = {
    "torch.save": 'torch.save(x, "stolen")',
    "torch.from_file": 'secret = torch.from_file("/etc/hostname", False, 1, dtype=0)',
    "print": 'print("hello")',
    "ops.aten.warn": 'ops.aten.warn("hello")',
    "torch.zeros": "huge = torch.zeros([1099511627776])",
    "torch.as_strided": "beyond = torch.as_strided(x, [1000000], [1], 0)",
    "ops.aten._empty_affine_quantized": "private = ops.aten._empty_affine_quantized([1])",
    "ops.quantized.conv2d_unpack": "numbers = ops.quantized.conv2d_unpack(CONSTANTS.c0)",
    "range": "for i in range(9223372036854775807):\n      pass",
    ".forward": "again = (self).forward(x, )",
    ".unpack": "weights = (CONSTANTS.c0).unpack()",
    "__torch__.other.evil": "y = __torch__.other.evil(x)",
    "uninitialized": "y = uninitialized(Tensor)",
    "e" * 200: f"y = {'e' * 50_000}(x)",
}


@pytest.mark.parametrize(("operator", "step"), STEPS.items(), ids=[step[:20] for step in STEPS.values()])
def test_step_of_another_kind(good: dict[str, bytes], operator: str, step: str) -> None:
    """Protects files, memory and time: a call that no program of ours makes is refused, and named."""
    line = refusal(with_code(good, FIRST, f"    {step}\n{FIRST}"))
    assert f"it calls {operator}"[:100] in line


CHANGES = {
    "a loop without a call": (FIRST, f"    while True:\n      pass\n{FIRST}"),
    "no condition": (FIRST, f"    if True:\n      pass\n{FIRST}"),
    "an empty step": (FIRST, f"    pass\n{FIRST}"),
    "a comment": (FIRST, f"    # nothing\n{FIRST}"),
    "a second class": (FIRST, f"    return x\nclass Other(Module):\n  def forward(self: Other, x: Tensor):\n{FIRST}"),
    "code that runs at load": (
        "  def forward",
        "  def __setstate__(self, state: int) -> None:\n    pass\n  def forward",
    ),
    "an attribute": ("  __buffers__ = []\n", "  __buffers__ = []\n  hook : __torch__.Hook\n"),
    "parameters": ("__parameters__ = []", '__parameters__ = ["weight", ]'),
    "an interface": ("(Module)", "(Interface)"),
    "another argument": ("x: Tensor) -> Tensor", "x: List[Tensor]) -> Tensor"),
    "something before the class": ("class ", "op_version_set = 1\nclass "),
    "a huge pool": ("adaptive_avg_pool2d(x0, [1, 1])", "adaptive_avg_pool2d(x0, [99999, 99999])"),
    "another operator that is known": ("quantized.conv2d_relu(x,", "quantized.conv2d(x,"),
    "a step less": ("    x2 = torch.flatten(x1, 1)\n", "    x2 = x1\n"),
    "constants in another order": ("CONSTANTS.c0,", "CONSTANTS.c1,"),
    "a constant that is not there": ("CONSTANTS.c0,", "CONSTANTS.c99,"),
    "no scale": (", 64)\n", ")\n"),
    "a calculated scale": (", 64)\n", " + 0.1, 64)\n"),
    "a huge zero point": (", 64)\n", ", 6400000000)\n"),
    "the mark of a scale": (", 64)\n", ", …)\n"),
    "no ASCII": ("input1", "ïnput1"),
    "a NUL": ("input1", "input1\0"),
    "other line ends": ("\n", "\r\n"),
}


@pytest.mark.parametrize(("old", "new"), CHANGES.values(), ids=CHANGES.keys())
def test_program_that_differs_in_anything_else(good: dict[str, bytes], old: str, new: str) -> None:
    """Protects from whatever we have not thought of: a program is one of ours to the letter, or it is refused."""
    line = refusal(with_code(good, old, new))
    assert "its steps and layers are those of no architecture" in line


@pytest.mark.parametrize("scale", ["1.", "0.5", "1.0000000000000001e-05"])
@pytest.mark.parametrize("zero_point", ["-128", "0", "255"])
def test_scales_and_zero_points_may_differ(good: dict[str, bytes], scale: str, zero_point: str) -> None:
    """Protects everybody's weights: with them come other scales and zero points, in whatever form torch prints them."""
    name = code_name(good)
    code = re.sub(r"0\.\d+, 64\)", f"{scale}, {zero_point})", good[name].decode())
    assert code.count(f", {scale}, {zero_point})\n") > 10
    written = members(checked_program(archived({**good, name: code.encode()}), "file"))
    assert written["archive/code/__torch__.py"].decode().partition("_0 = ")[2] == code.partition("_0 = ")[2]


def test_name_of_the_class_may_differ(good: dict[str, bytes]) -> None:
    """Protects from a difference that means nothing: torch numbers classes by what it has met before."""
    name = code_name(good)
    moved = {**good, "archive/code/__torch__/elsewhere.py": good[name].replace(b"___torch_mangle_", b"other_")}
    del moved[name]
    assert checked_program(archived(moved), "file") == checked_program(archived(good), "file")


def test_number_of_classes_may_differ(good: dict[str, bytes]) -> None:
    """Protects models of other classes: the classifier's outputs are free, and nothing else of its shape."""
    names = sorted((name for name in good if "/constants/" in name), key=lambda name: int(name.rpartition("/")[2]))
    weights, bias = names[-2:]
    size = struct.pack("<H", 1000) + b"M" + struct.pack("<H", 1280)
    constants = good["archive/constants.pkl"]
    assert constants.count(size) == 1
    fewer = constants.replace(size, struct.pack("<H", 6) + b"M" + struct.pack("<H", 1280))
    fewer = fewer.replace(b"J" + struct.pack("<i", 1_280_000), b"J" + struct.pack("<i", 6 * 1280))
    fewer = fewer.replace(b"M" + struct.pack("<H", 1000), b"M" + struct.pack("<H", 6))
    changed = {"archive/constants.pkl": fewer, weights: good[weights][: 6 * 1280], bias: good[bias][: 6 * 4]}
    program = checked_program(archived({**good, **changed}), "file")
    assert "1000" not in refusal(archived({**good, **changed, weights: good[weights]}))
    picture = torch._empty_affine_quantized(  # noqa: SLF001 - as the runtime makes it
        (1, 3, 224, 224), scale=0.02, zero_point=128, dtype=torch.quint8, memory_format=torch.channels_last
    )
    torch.backends.quantized.engine = "qnnpack"
    assert torch.jit.load(io.BytesIO(program))(picture).shape == (1, 6)


@pytest.mark.parametrize(("index", "number"), [(1, 1), (3, 500), (5, 9), (9, 2), (10, 1)])
def test_convolution_of_another_shape(good: dict[str, bytes], index: int, number: int) -> None:
    """Protects time and memory: stride, padding, dilation, groups and the rest are those of the architecture."""
    numbers = list(struct.unpack("<11h", good["archive/constants/0"]))
    numbers[index] = number
    line = refusal(archived({**good, "archive/constants/0": struct.pack("<11h", *numbers)}))
    assert "its steps and layers are those of no architecture" in line


def test_layers_do_not_pass_for_code(good: dict[str, bytes]) -> None:
    """Protects the fingerprint: what stands in the code is never taken for a layer, nor a layer for code."""
    archive = Archive(archived(good))
    code = own_code(archive)
    assert fingerprint(code, archive) == PROGRAMS["mobilenet_v2"]
    assert len({fingerprint(code + end, archive) for end in ("", "\n", "(32, 3, 3, 3)\n", "', [(32,")}) == 4


class Harm(torch.nn.Module):
    """Writes a file and reads one."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Copy what no one should see."""
        torch.save(x, self.target)
        return torch.from_file(self.target, False, 1, dtype=torch.uint8)


def test_program_that_does_harm(good: dict[str, bytes], untrained_model_file: Path, tmp_path: Path) -> None:
    """Protects from a crafted file: torch alone would run it and files would change; here nothing happens."""
    target = tmp_path / "overwritten"
    content = io.BytesIO()
    torch.jit.save(torch.jit.script(Harm(str(target))), content)
    torch.jit.load(io.BytesIO(content.getvalue()))(torch.zeros(1))
    assert target.is_file(), "torch has become harmless; then none of this is needed"
    target.unlink()
    assert "it calls torch.from_file" in refusal(content.getvalue())
    program = with_code(good, FIRST, f'    torch.save(x, "{target}")\n{FIRST}')
    bundle = replace(read_bundle(untrained_model_file), programs={"torchscript": program})
    with pytest.raises(ModelError, match=r"it calls torch\.save"):
        TorchScriptModel(bundle, threads=1, top_k=5)
    assert not target.exists()


def test_operators_are_told_apart() -> None:
    """Protects the message: a name in front of a bracket is a call, the name of a definition is none."""
    code = "class A(Module):\n  def forward(self, x):\n    return torch.ops.a(x.b(c), d).g()\n"
    assert operators(code) == {"torch.ops.a", "x.b", ".g"}
    assert not any(name in OPERATORS for name in ("torch.save", "torch.from_file", "print", "torch.zeros", "range"))


def test_mutated_archives(good: dict[str, bytes]) -> None:
    """Protects from tracebacks and hangs: whatever byte changes, it is one line, or a program of this release.

    Half of the files have the right checksums, so that what is behind them is tried as well.
    """
    chance, content = random.Random(1), archived(good)  # noqa: S311 - not for secrets
    read = [name for name in good if name.endswith(("constants.pkl", ".py", "version", "byteorder"))]
    directory = content.index(b"PK\1\2")
    for attempt in range(120):
        if attempt % 2:
            name = chance.choice(read)
            changed = archived({**good, name: mutated(good[name], chance)})
        else:
            start = chance.choice((0, directory, len(content) - 22))
            changed = content[:start] + mutated(content[start:], chance)
        try:
            program = checked_program(changed, "file")
        except ModelError as refused:
            assert str(refused).isprintable()  # noqa: PT017 - either outcome is right
        else:
            assert fingerprint_of_own(program) == PROGRAMS["mobilenet_v2"]


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The same with some bytes changed, taken out or put in."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8))):
        start = chance.randrange(len(data) + 1)
        data[start : start + chance.choice((0, 1, 1, 4))] = chance.choice(
            (b"", b"\xff", b"\0\0\0\x80", chance.randbytes(1))
        )
    return bytes(data)


def fingerprint_of_own(content: bytes) -> str:
    """Of the program in an archive that came from here, whose source lies in another folder."""
    files = members(content)
    files["archive/code/__torch__/program.py"] = files.pop("archive/code/__torch__.py")
    archive = Archive(archived(files))
    return fingerprint(archive.code(), archive)
