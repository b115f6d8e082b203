"""The checks of the runtime that the configuration chooses, and none of one that it does not."""

from pi_classifier.config.schema import ModelSettings
from pi_classifier.doctor import packages
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.machine import Machine
from pi_classifier.doctor.packages import LOAD_TORCH, Packages

LOAD_LITERT = "import ai_edge_litert.interpreter; print(ai_edge_litert.__version__)"
LITERT = "LiteRT"
ONE_LINE_AWAY = 'install it (pip install ai-edge-litert) or set [model] runtime = "torchscript"'


def runtime(machine: Machine, installed: Packages, settings: ModelSettings) -> list[Finding]:
    """What of TorchScript and LiteRT is there, as far as the settings want it."""
    findings: list[Finding] = []
    if settings.runtime != "torchscript":
        findings.append(litert(installed, needed=settings.runtime == "litert"))
    # Where LiteRT runs the model, torch is for preparing one, and may be absent.
    spared = settings.runtime != "torchscript" and installed.version("ai-edge-litert") is not None
    if not spared or installed.version("torch") is not None:
        findings += _torch(machine, installed, settings)
    return findings


def litert(installed: Packages, *, needed: bool) -> Finding:
    """Whether LiteRT runs on this machine; `needed` is whether nothing else will do."""
    if installed.version("ai-edge-litert") is None:
        return Finding(LITERT, State.PROBLEM if needed else State.OK, "not installed", ONE_LINE_AWAY if needed else "")
    attempt = installed.attempt(LOAD_LITERT)
    if attempt.failure:
        return Finding(LITERT, State.PROBLEM, attempt.failure, ONE_LINE_AWAY)
    return Finding(LITERT, State.OK, f"{attempt.answer}, can be imported")


def _torch(machine: Machine, installed: Packages, settings: ModelSettings) -> list[Finding]:
    attempt = installed.attempt(LOAD_TORCH)
    return [
        packages.torch(machine, installed, attempt),
        packages.engine(machine, settings.engine, attempt),
        packages.torchvision(machine, installed),
        packages.cuda(machine, installed),
    ]
