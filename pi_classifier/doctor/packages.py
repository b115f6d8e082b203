"""The Python packages: versions, and whether they can be loaded, which only a child process may try.

A torch that was built for another processor does not raise an error when it is imported, it kills the process.
Another torch than the installed one can be examined by putting its folder into PYTHONPATH.
"""

import importlib.metadata
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field

from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.machine import Machine

PAIRS = {
    "aarch64": "torch==2.9.1 torchvision==0.24.1",
    "x86_64": "torch==2.13.0 torchvision==0.28.0",
}
"""What setup.cfg pins, by architecture."""
PATIENCE_SECONDS = 180.0
"""The first import of torch from a slow card takes its time."""
LOAD_TORCH = "import torch; print(*torch.backends.quantized.supported_engines)"
LOAD_CAPTURE = "import numpy, cv2; print(cv2.__version__)"
NO_CORE_DUMP = "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a child process that loaded something."""

    answer: str
    """What it printed; empty where it failed."""
    killed_by: str = ""
    """SIGILL, SIGSEGV..."""
    error: str = ""
    """Its last words, where it ended by itself."""

    @property
    def failure(self) -> str:
        """In words; empty where it worked."""
        return f"dies of {self.killed_by} when it is imported" if self.killed_by else self.error


@dataclass(frozen=True, slots=True)
class Packages:
    """What can be imported from `path`, as this process does by default; PYTHONPATH is part of that."""

    path: tuple[str, ...] = field(default_factory=lambda: tuple(folder for folder in sys.path if folder))
    interpreter: str = sys.executable

    def version(self, name: str) -> str | None:
        """Of an installed distribution, by its metadata."""
        return next(
            (found.version for found in importlib.metadata.distributions(name=name, path=list(self.path))), None
        )

    def names(self) -> set[str]:
        """Of all installed distributions, in lower case."""
        names = (found.metadata["Name"] for found in importlib.metadata.distributions(path=list(self.path)))
        return {name.lower() for name in names if name}

    def attempt(self, statements: str) -> Attempt:
        """Run statements in a child process that imports from the same places."""
        try:
            child = subprocess.run(
                [self.interpreter, "-P", "-W", "ignore", "-c", f"{NO_CORE_DUMP}; {statements}"],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(self.path)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PATIENCE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Attempt("", error=f"is not imported within {PATIENCE_SECONDS:.0f} s")
        if child.returncode < 0:
            return Attempt("", killed_by=signal.Signals(-child.returncode).name)
        if child.returncode:
            return Attempt("", error=(child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1])
        return Attempt((child.stdout.strip().splitlines() or [""])[-1])


def torch(machine: Machine, packages: Packages, attempt: Attempt) -> Finding:
    """Whether torch runs on this processor; `attempt` is what became of LOAD_TORCH."""
    version = packages.version("torch")
    remedy = _install(machine)
    if version is None:
        return Finding("torch", State.PROBLEM, "not installed", remedy)
    if not attempt.failure:
        return Finding("torch", State.OK, f"{version}, can be imported")
    seen = f"{version} {attempt.failure}"
    if attempt.killed_by == "SIGILL":
        # Cortex-A72 and A53 (Raspberry Pi 3 and 4) are ARMv8.0: they lack the atomics that 2.10.0 was built with.
        lacks_atomics = machine.architecture == "aarch64" and "atomics" not in machine.cpu_features
        missing = "the atomics of ARMv8.1 (LSE)" if lacks_atomics else "an instruction"
        seen += f": it was built with {missing}, which this processor lacks"
    elif attempt.killed_by == "SIGKILL":
        seen += ", probably for want of memory"
        remedy = "close other programs or add swap"
    return Finding("torch", State.PROBLEM, seen, remedy)


def engine(machine: Machine, wanted: str, attempt: Attempt) -> Finding:
    """Whether that torch was built with the engine that the model is made for."""
    name, engines = "quantised engine", attempt.answer.split()
    if attempt.failure:
        return Finding(name, State.UNKNOWN, "torch cannot be asked", "fix torch first")
    if wanted in engines:
        return Finding(name, State.OK, wanted)
    seen = f"{wanted} is wanted and this torch has {', '.join(engines) or 'none'}"
    return Finding(name, State.PROBLEM, seen, _install(machine))


def torchvision(machine: Machine, packages: Packages) -> Finding:
    """Whether torchvision is the one that goes with torch: of torch 2.N that is 0.(N + 15)."""
    torch_version, version = packages.version("torch"), packages.version("torchvision")
    if version is None:
        seen = "not installed: prepared files run, none can be made"
        return Finding("torchvision", State.WARNING, seen, _install(machine))
    torch_minor, minor = (re.match(r"\d+\.(\d+)", text or "") for text in (torch_version, version))
    if torch_minor and minor and int(minor[1]) != int(torch_minor[1]) + 15:
        seen = f"{version} does not go with torch {torch_version}: no model can be prepared"
        return Finding("torchvision", State.PROBLEM, seen, _install(machine))
    return Finding("torchvision", State.OK, version)


def capture_libraries(packages: Packages, attempt: Attempt) -> Finding:
    """Whether OpenCV and numpy load; `attempt` is what became of LOAD_CAPTURE."""
    opencvs = sorted(name for name in packages.names() if name.startswith("opencv-"))
    if attempt.failure:
        remedy = "reinstall pi-classifier: 'make clean run', for the service 'sudo systemd/install.sh install'"
        return Finding("OpenCV", State.PROBLEM, attempt.failure, remedy)
    if len(opencvs) > 1:
        remedy = "uninstall all of them, then install opencv-contrib-python-headless"
        return Finding("OpenCV", State.WARNING, f"{', '.join(opencvs)} overwrite each other's files", remedy)
    return Finding("OpenCV", State.OK, f"{attempt.answer}, can be imported")


def cuda(machine: Machine, packages: Packages) -> Finding:
    """Whether several GB for graphics cards came along."""
    names = sorted(name for name in packages.names() if name.startswith("nvidia-"))
    if not names:
        return Finding("CUDA packages", State.OK, "none")
    remedy = f"recreate the environment from CPU builds: {_install(machine)}"
    return Finding("CUDA packages", State.WARNING, f"{len(names)} that nothing here uses, {names[0]} the first", remedy)


def _install(machine: Machine) -> str:
    pair = PAIRS.get(machine.architecture)
    return f"'pip install {pair}'" if pair else "torch needs a machine that is aarch64 or x86-64"
