"""The runtimes of pi-classifier, as programs here are asked for them and name them."""

from importlib.metadata import version
from importlib.util import find_spec

from pi_classifier.contracts.model import Runtime

NAMES: dict[Runtime, str] = {"torchscript": "TorchScript", "litert": "LiteRT"}
ASKED_FOR: dict[str, tuple[Runtime, ...]] = {
    "torchscript": ("torchscript",),
    "litert": ("litert",),
    "both": ("torchscript", "litert"),
}
"""What --runtime takes, and which they are."""
LIBRARIES: dict[Runtime, tuple[str, str]] = {"torchscript": ("torch", "torch"), "litert": ("LiteRT", "ai-edge-litert")}
"""Of each runtime, what its library is called and the package that it comes in."""


def at_hand() -> str:
    """What --runtime is where it is left out."""
    return "both" if find_spec("ai_edge_litert") else "torchscript"


def libraries(*runtimes: Runtime) -> list[str]:
    """The library of each runtime, once, with its version."""
    return [f"{name} {version(package)}" for name, package in (LIBRARIES[one] for one in dict.fromkeys(runtimes))]
