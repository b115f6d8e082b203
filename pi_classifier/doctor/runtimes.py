"""The checks of the runtime that the configuration chooses, and none of one that it does not."""

from pi_classifier.config.schema import ModelSettings, is_onnx, is_published_detector, is_tflite
from pi_classifier.doctor import packages
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.machine import Machine
from pi_classifier.doctor.packages import LOAD_TORCH, Packages

LOAD_LITERT = "import ai_edge_litert.interpreter; print(ai_edge_litert.__version__)"
LITERT = "LiteRT"
LOAD_ONNX_RUNTIME = "import onnxruntime; print(onnxruntime.__version__)"
ONNX_RUNTIME = "ONNX Runtime"
INSTALL_ONNX_RUNTIME = "install it: pip install 'onnxruntime>=1.23' (older ones die on a Raspberry Pi 4)"
INSTALL_LITERT = "install it: pip install ai-edge-litert"
ONE_LINE_AWAY = 'install it (pip install ai-edge-litert) or set [model] runtime = "torchscript"'


def runtime(machine: Machine, installed: Packages, settings: ModelSettings) -> list[Finding]:
    """What of TorchScript, LiteRT and ONNX Runtime is there, as far as the settings want it."""
    if is_onnx(settings.weights) or is_published_detector(settings):
        return [onnx_runtime(installed)]
    if is_tflite(settings.weights):
        return [litert(installed, needed=True, remedy=INSTALL_LITERT)]
    findings: list[Finding] = []
    if settings.runtime != "torchscript":
        findings.append(litert(installed, needed=settings.runtime == "litert"))
    # Where LiteRT runs the model, torch is for preparing one, and may be absent.
    spared = settings.runtime != "torchscript" and installed.version("ai-edge-litert") is not None
    if not spared or installed.version("torch") is not None:
        findings += _torch(machine, installed, settings)
    return findings


def litert(installed: Packages, *, needed: bool, remedy: str = ONE_LINE_AWAY) -> Finding:
    """Whether LiteRT runs on this machine; `needed` is whether nothing else will do."""
    if installed.version("ai-edge-litert") is None:
        return Finding(LITERT, State.PROBLEM if needed else State.OK, "not installed", remedy if needed else "")
    attempt = installed.attempt(LOAD_LITERT)
    if attempt.failure:
        return Finding(LITERT, State.PROBLEM, attempt.failure, remedy)
    return Finding(LITERT, State.OK, f"{attempt.answer}, can be imported")


def onnx_runtime(installed: Packages) -> Finding:
    """Whether ONNX Runtime runs on this machine."""
    if installed.version("onnxruntime") is None:
        return Finding(ONNX_RUNTIME, State.PROBLEM, "not installed", INSTALL_ONNX_RUNTIME)
    attempt = installed.attempt(LOAD_ONNX_RUNTIME)
    if attempt.failure:
        return Finding(ONNX_RUNTIME, State.PROBLEM, attempt.failure, INSTALL_ONNX_RUNTIME)
    return Finding(ONNX_RUNTIME, State.OK, f"{attempt.answer}, can be imported")


def _torch(machine: Machine, installed: Packages, settings: ModelSettings) -> list[Finding]:
    attempt = installed.attempt(LOAD_TORCH)
    return [
        packages.torch(machine, installed, attempt),
        packages.engine(machine, settings.engine, attempt),
        packages.torchvision(machine, installed),
        packages.cuda(machine, installed),
    ]
