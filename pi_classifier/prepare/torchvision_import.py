"""torchvision's quantisable models, imported where its compiled operators do not load, and without torch's compiler.

Whoever wants torchvision in this process imports this first.
"""

import contextlib
import importlib.util
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch

__all__ = ["quantizable"]

_schemas: list[torch.library.Library] = []
"""Schemas that were declared live as long as their Library object."""


def _stand_in_for_missing_operators() -> None:
    """Let torchvision be imported where its compiled operators cannot be loaded.

    On x86-64 the registry's torchvision is built for CUDA: beside a CPU build of torch its extension does not load,
    and `import torchvision` then fails on the detection operators' missing schemas ("operator torchvision::nms does
    not exist"). Classification models need none of them, so declaring the two schemas is enough.
    """
    origin = importlib.util.find_spec("torchvision").origin  # type: ignore[union-attr]
    try:
        torch.ops.load_library(str(Path(str(origin)).with_name("_C.so")))
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _schemas.append(library)


@contextlib.contextmanager
def _spared_the_compiler() -> Iterator[None]:
    """Let torchvision be imported without torch's compiler, torch._dynamo, and the algebra system behind that.

    They are most of what the import costs in time, memory and, on a new installation, modules to compile; and all for
    one question that a detection operator asks when it runs. Classification models never ask it. Whoever imports the
    compiler later gets the real one.
    """
    name = "torch._dynamo.utils"
    if name in sys.modules:
        yield
        return
    stand_in = types.ModuleType(name)
    vars(stand_in)["is_compile_supported"] = lambda _device_type: False
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        del sys.modules[name]


with warnings.catch_warnings(), _spared_the_compiler():
    # torchvision warns that its image extension does not load beside a CPU build either. Nothing here decodes with it.
    warnings.simplefilter("ignore")
    _stand_in_for_missing_operators()
    from torchvision.models import quantization as quantizable
