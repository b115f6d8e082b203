"""A model's metadata as JSON, and back: every field held to its type and its range."""

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

from pi_classifier.contracts.model import ModelMetadata, Training

VERSION = 3
"""Of the bundle's format."""
Check = Callable[[Any], bool]


AGAIN = "make the file again with 'prepare'"
"""The remedy for a file that is not what it should be."""
OWN_AGAIN = "copy the file again, or make it again with 'train'"
"""The remedy for one with a user's own classes, which no `prepare` can make again."""


class Unusable(ValueError):
    """What stands there is no metadata, in words."""

    def __init__(self, problem: str, *, own: bool = False) -> None:
        """`own`: whether it is of a model of own classes."""
        super().__init__(problem)
        self.remedy = OWN_AGAIN if own else AGAIN


def again(metadata: ModelMetadata) -> str:
    """The remedy for a program that is not what it should be."""
    return OWN_AGAIN if metadata.training else AGAIN


def metadata_to_json(metadata: ModelMetadata) -> bytes:
    """The metadata as one JSON object, with the version of the bundle's format."""
    values = {"version": VERSION, **metadata._asdict()}
    training = values.pop("training")
    if training:
        values["training"] = training._asdict()
    return json.dumps(values, indent=1).encode()


def metadata_from_json(content: bytes) -> ModelMetadata:
    """What `metadata_to_json` wrote.

    Raises:
        Unusable: something else, in words to be put behind the file's name.
    """
    try:
        values = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError):  # of UTF-8, too, and of numbers with thousands of digits
        raise Unusable("its metadata is unreadable") from None
    if not isinstance(values, dict) or "version" not in values:
        raise Unusable("its metadata is unreadable")
    version, training = values.pop("version"), values.pop("training", None)
    if training is None:
        if version != VERSION:
            raise Unusable(f"made by another release (version {str(version)[:20]}, this one reads {VERSION})")
        _check(values, CHECKS)
        if foreign := values.keys() - CHECKS.keys():
            raise Unusable(f"its metadata has other fields ({min(foreign)[:40]})")
        return _metadata(values)
    return _own(values, training)


def _own(values: dict[str, Any], training: object) -> ModelMetadata:
    """Of own classes, which nobody but the user can make again: of whatever release it is, it is read if it can be."""
    if not isinstance(training, dict):
        raise Unusable("its metadata says nothing of its training", own=True)
    _check(values, CHECKS, own=True)
    training = {**Training._field_defaults, **training}
    _check(training, TRAINING_CHECKS, within="training.", own=True)
    known = Training(**{key: training[key] for key in TRAINING_CHECKS})
    return _metadata({key: values[key] for key in CHECKS})._replace(training=known)


def _check(values: dict[str, Any], checks: "dict[str, Check]", *, within: str = "", own: bool = False) -> None:
    """Raises Unusable where a field is not there, or not what it should be."""
    if missing := checks.keys() - values.keys():
        raise Unusable(f"its metadata has other fields ({within}{min(missing)[:40]})", own=own)
    for key, check in checks.items():
        if not check(values[key]):
            raise Unusable(f"its metadata says {within}{key} = {json.dumps(values[key])[:60]}", own=own)


def _metadata(values: dict[str, Any]) -> ModelMetadata:
    for key in ("mean", "std", "categories"):
        values[key] = tuple(values[key])
    return ModelMetadata(**values)


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 200 and value.isprintable()


def _number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and abs(value) < 1e18  # type: ignore[arg-type]


def _positive(value: object) -> bool:
    # A product of two has to be a float32, too.
    return _number(value) and value > 1e-18  # type: ignore[operator]


def _count(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 53


def _integer(lowest: int, highest: int) -> Check:
    return lambda value: type(value) is int and lowest <= value <= highest


def _three(check: Check) -> Check:
    return lambda value: isinstance(value, list) and len(value) == 3 and all(map(check, value))


def _percent(value: object) -> bool:
    return value is None or (_number(value) and 0 <= value <= 100)  # type: ignore[operator]


def _cosine(value: object) -> bool:
    return value is None or (_number(value) and -1 <= value <= 1)  # type: ignore[operator]


def _hexadecimal(value: object) -> bool:
    return isinstance(value, str) and len(value) % 2 == 0 and set(value) <= set("0123456789abcdef")


def _labels(value: object) -> bool:
    return isinstance(value, list) and 0 < len(value) <= 100_000 and all(map(_text, value))


CHECKS: dict[str, Check] = {
    "name": _text,
    "weights": _text,
    "weights_sha256": _text,
    "engine": _text,
    "activations": lambda value: value in ("quint8", "qint8"),
    # The largest of the architectures take 299 and 342.
    "input_size": _integer(16, 2048),
    "resize_size": _integer(16, 4096),
    "mean": _three(_number),
    "std": _three(_positive),
    "scale": _positive,
    "zero_point": _integer(0, 255),
    "categories": _labels,
    "torch_version": _text,
    "published_acc1": _percent,
    "published_acc5": _percent,
}
"""By field; what JSON gives for it."""

TRAINING_CHECKS: dict[str, Check] = {
    "method": _text,
    "base": _text,
    "base_sha256": _text,
    "date": _text,
    "dataset_sha256": _text,
    "seed": _count,
    "epochs": _count,
    "learnt": _count,
    "judged": _count,
    "correct": _count,
    "learnt_bits": _hexadecimal,
    "unknown_threshold": _cosine,
    "prototypes": _integer(1, 64),
}
"""By field of `training`."""
