"""ONNX Runtime, on the processor alone: a file ready to run, whatever it is for.

Importing this raises ConfigError where ONNX Runtime, which is an extra, is not installed.
"""

import re
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from pi_classifier.contracts.job import Tensor
from pi_classifier.errors import ConfigError, ModelError
from pi_classifier.runtimes.onnx.read import OnnxFile, Value
from pi_classifier.system.native_stderr import stderr_without

DISCOVERY = re.compile(rb".*GPU device discovery failed.*")
"""A complaint of a Raspberry Pi's display, which the import makes; nothing turns that off (onnxruntime#26300)."""

try:
    with stderr_without(DISCOVERY):
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as errors
except ImportError as error:
    raise ConfigError(
        f"ONNX Runtime cannot be loaded ({error})", remedy="install it: pip install 'pi-classifier[onnx]'"
    ) from None

VERSIONS: Mapping[str, str] = {"onnxruntime": onnxruntime.__version__}
ERRORS = (
    errors.EPFail, errors.EngineError, errors.Fail, errors.InvalidArgument, errors.InvalidGraph, errors.InvalidProtobuf,
    errors.NoModel, errors.NoSuchFile, errors.NotFound, errors.NotImplemented, errors.RuntimeException, MemoryError,
    RuntimeError, ValueError,
)  # fmt: skip
"""What loading and running raise; ONNX Runtime's own have nothing in common but `Exception`."""
SILENT = 4
"""Severity from which on the library logs to stderr: what ends the process."""
MOST_MEMORY = 2 << 30
"""Bytes, of all models together, weights included: a file that asks for more is refused, and takes nobody's memory."""
AS_REQUESTED = 1
"""How an arena grows: by what is asked for, not by powers of two."""


class Session:
    """A file, loaded. Several threads may run it at once."""

    def __init__(self, file: OnnxFile, threads: int) -> None:
        """Load it.

        Args:
            file: read.
            threads: how many threads one inference may use.

        Raises:
            ModelError: ONNX Runtime does not take it.
        """
        self._name = file.name
        self._inputs = [value.name for value in file.inputs]
        self._outputs = [value.name for value in file.outputs]
        try:
            self._session = onnxruntime.InferenceSession(
                file.content,
                _options(threads),
                providers=["CPUExecutionProvider"],
                enable_fallback=0,  # to the same provider, with a message on stdout
            )
        except ERRORS as error:
            raise self._refusal("load", error) from None
        # Kept for other providers, and as much as the weights once more.
        self._session._model_bytes = None  # noqa: SLF001 - there is no public way to give the file back
        if not _agree(self._session.get_inputs(), file.inputs) or not _agree(self._session.get_outputs(), file.outputs):
            raise ModelError(f"{file.name}: says two things of what it takes and gives", remedy="export it again")

    def run(self, *inputs: Tensor) -> list[NDArray[Any]]:
        """What the model gives.

        Args:
            inputs: in the order of the file's inputs, of the dtypes and shapes that these have.

        Returns:
            New arrays, in the order of its outputs.

        Raises:
            ModelError: it does not run, for want of memory or because its parts do not fit.
        """
        given = dict(zip(self._inputs, inputs, strict=True))
        try:
            outputs: list[NDArray[Any]] = self._session.run(self._outputs, given)
        except ERRORS as error:
            raise self._refusal("run", error) from None
        return outputs

    def _refusal(self, what: str, error: Exception) -> ModelError:
        reason = str(error).strip().splitlines()[-1][:300] if str(error).strip() else type(error).__name__
        return ModelError(
            f"{self._name}: ONNX Runtime {onnxruntime.__version__} does not {what} it ({reason})",
            remedy="export it again, for another opset version",
        )


def _limit_memory() -> None:
    arena = onnxruntime.OrtArenaCfg({"max_mem": MOST_MEMORY, "arena_extend_strategy": AS_REQUESTED})
    info = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(info, arena)


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    # Idle threads would spin: twice the processor time for the same rate.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.use_env_allocators", "1")
    return options


def _agree(theirs: list[onnxruntime.NodeArg], read: tuple[Value, ...]) -> bool:
    """Whether the library finds the same inputs or outputs as were read; what it infers beyond is its own."""
    return [one.name for one in theirs] == [value.name for value in read] and all(
        value.shape is None or len(one.shape) == len(value.shape) for one, value in zip(theirs, read, strict=True)
    )


onnxruntime.set_default_logger_severity(SILENT)
_limit_memory()
