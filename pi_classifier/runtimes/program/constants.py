"""The packed weights in a TorchScript archive: its constants.pkl, read without torch and without running any of it.

torch's own reader takes the file's word: where a tensor is larger than its storage, or a storage larger than its member
of the archive, it reads whatever lies behind. So everything is held here to the form that `prepare` writes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from pi_classifier.runtimes.program.pickled import Call, Global, unpickled
from pi_classifier.runtimes.program.refusal import NotPrepared

_CONVOLUTION_NUMBERS = 11
"""Of a two-dimensional convolution, int16: 2, stride, padding, dilation and output padding (each twice), groups, and
whether it is transposed."""
_ITEM_BYTES = {
    "torch QInt8Storage": 1,
    "torch ShortStorage": 2,
    "torch FloatStorage": 4,
    "torch DoubleStorage": 8,
    "torch LongStorage": 8,
}


@dataclass(frozen=True, slots=True)
class Layer:
    """What packed weights are for."""

    weight: tuple[int, ...]
    """Shape: (outputs, inputs) of a linear layer, (outputs, inputs / groups, height, width) of a convolution."""
    convolution: str = ""
    """Of a convolution, the storage with its other numbers: eleven of type int16."""


def read_constants(content: bytes, storages: Mapping[str, int]) -> tuple[Layer, ...]:
    """The layers that a constants.pkl holds, in their order.

    Args:
        content: of constants.pkl.
        storages: the size in bytes of every storage beside it, by name.

    Raises:
        NotPrepared: anything but packed weights, something beyond its storage, or a storage that nothing uses.
    """
    constants = unpickled(content)
    if not isinstance(constants, tuple) or not constants:
        raise NotPrepared("constants that are no layers")
    reader = _Layers(storages)
    layers = tuple(map(reader.layer, constants))
    if unused := storages.keys() - reader.used:
        raise NotPrepared(f"constants/{min(unused)}, which nothing uses")
    return layers


@dataclass(slots=True)
class _Layers:
    """Reads layers, and keeps account of the storages."""

    storages: Mapping[str, int]
    used: set[str] = field(default_factory=set)

    def layer(self, constant: object) -> Layer:
        match constant:
            case Call(
                Global("__torch__.torch.classes.quantized Conv2dPackedParamsBase"),
                (
                    "2",
                    Call(Global("torch.jit._pickle build_tensorlist"), ([numbers, weight],)),
                    Call(Global("torch.jit._pickle restore_type_tag"), ([bias], "List[Optional[Tensor]]")),
                ),
            ):
                convolution, shape = self._tensor(numbers, "torch ShortStorage")
                if shape != (_CONVOLUTION_NUMBERS,):
                    raise NotPrepared("a convolution of another kind")
                return Layer(self._weight(weight, bias), convolution)
            case Call(Global("__torch__.torch.classes.quantized LinearPackedParamsBase"), (weight, bias)):
                return Layer(self._weight(weight, bias))
        raise NotPrepared("a constant that is no packed weights")

    def _weight(self, weight: object, bias: object) -> tuple[int, ...]:
        """The shape of quantised weights, and of a bias or None that has to fit."""
        match weight:
            case Call(
                Global("torch._utils _rebuild_qtensor"),
                (storage, 0, size, stride, scheme, bool(), Call(Global("collections OrderedDict"), ())),
            ):
                _, shape = self._extent(storage, "torch QInt8Storage", size, stride)
                self._scheme(scheme, shape[:1])
                if bias is not None and self._tensor(bias, "torch FloatStorage")[1] != shape[:1]:
                    raise NotPrepared("a bias that does not fit its weights")
                return shape
        raise NotPrepared("weights that are not quantised")

    def _scheme(self, scheme: object, outputs: tuple[int, ...]) -> None:
        """One scale and zero point, or as many as there are outputs."""
        match scheme:
            case (Global("torch per_tensor_affine"), float(), int()):
                return
            case (Global("torch per_channel_affine"), scales, zero_points, 0):
                _, scale_shape = self._tensor(scales, "torch DoubleStorage")
                _, zero_point_shape = self._tensor(zero_points, "torch LongStorage")
                if scale_shape == zero_point_shape == outputs:
                    return
        raise NotPrepared("weights quantised in another way")

    def _tensor(self, value: object, kind: str) -> tuple[str, tuple[int, ...]]:
        """The storage and the shape of a plain tensor."""
        match value:
            case Call(
                Global("torch._utils _rebuild_tensor_v2"),
                (storage, 0, size, stride, bool(), Call(Global("collections OrderedDict"), ())),
            ):
                return self._extent(storage, kind, size, stride)
        raise NotPrepared("a tensor of another kind")

    def _extent(self, storage: object, kind: str, size: object, stride: object) -> tuple[str, tuple[int, ...]]:
        """The storage's name and the tensor's shape; the storage has as many items as its member and as the tensor."""
        match storage:
            case Call("storage", ("storage", Global(name), str(key), "cpu", int(items))) if name == kind:
                shape = _filled(items, size, stride)
                if self.storages.get(key) != items * _ITEM_BYTES[kind]:
                    raise NotPrepared(f"a storage that is not as large as it says: {key!r}")
                self.used.add(key)
                return key, shape
        raise NotPrepared("a storage of another kind")


def _filled(items: int, size: object, stride: object) -> tuple[int, ...]:
    """The shape of a tensor that uses just as many items, none of them outside."""
    match size, stride:
        case tuple(), tuple() if size and len(size) == len(stride) and all(type(n) is int for n in (*size, *stride)):
            last = sum((count - 1) * step for count, step in zip(size, stride, strict=True))
            if min(size) > 0 and min(stride) > 0 and last < items == math.prod(size):
                return size
    raise NotPrepared("a tensor that is not as large as its storage")
