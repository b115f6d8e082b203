"""A pickle as a value: nothing is imported and nothing called, and no opcode taken that packed weights do not need."""

import pickletools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pi_classifier.runtimes.program.refusal import NotPrepared

DISORDER = "constants in disorder"


@dataclass(frozen=True, slots=True)
class Global:
    """A name that the pickle would have imported, `module name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """What the pickle would have called, with what.

    An object is its class called with its state, and something beside the pickle "storage" called with its description.
    """

    called: Any
    arguments: Any


def unpickled(content: bytes) -> object:
    """The value: None, numbers, texts, tuples, lists, `Global`s and `Call`s.

    It is understood as torch's reader understands it, which is not pickle's in all: what the two could read differently
    is refused.

    Raises:
        NotPrepared: it is cut short, or not what torch writes for packed weights.
    """
    machine, end = _Machine(), None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pickletools takes a name for a string in quotes and warns of its escapes
            for opcode, argument, position in pickletools.genops(content):
                machine.step(opcode.name, argument)
                end = position
    except NotPrepared:
        raise
    except (IndexError, ValueError):
        raise NotPrepared(DISORDER) from None
    if end != len(content) - 1 or len(machine.stack) != 1:
        raise NotPrepared(DISORDER)
    return machine.stack[0]


@dataclass(slots=True)
class _Machine:
    """pickle's stack machine."""

    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: list[Any] = field(default_factory=list)

    def step(self, opcode: str, argument: Any) -> None:
        if opcode not in _STEPS:
            raise NotPrepared(f"constants with the pickle opcode {opcode}")
        _STEPS[opcode](self, argument)

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop_from(self, start: int) -> list[Any]:
        if not 0 <= start <= len(self.stack):
            raise NotPrepared(DISORDER)
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def push_tuple(self, size: int) -> None:
        self.push(tuple(self.pop_from(len(self.stack) - size)))

    def push_call(self) -> None:
        self.push(Call(*self.pop_from(len(self.stack) - 2)))

    def append(self) -> None:
        items = self.pop_from(self.marks.pop())
        if self.stack[-1] != []:
            raise NotPrepared(DISORDER)
        self.stack[-1].extend(items)

    def remember(self, place: int) -> None:
        # In order, for torch's memo grows up to any place; and no lists, for they could grow after their use.
        if place != len(self.memo) or isinstance(self.stack[-1], list):
            raise NotPrepared(DISORDER)
        self.memo.append(self.stack[-1])

    def leave_class(self) -> None:
        # As torch's reader does: an object is made only when BUILD calls its class with a state.
        if self.stack.pop() != ():
            raise NotPrepared(DISORDER)


_STEPS: Mapping[str, Callable[[_Machine, Any], object]] = {
    "PROTO": lambda _machine, _argument: None,
    "STOP": lambda _machine, _argument: None,
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "BININT": _Machine.push,
    "BININT1": _Machine.push,
    "BININT2": _Machine.push,
    "BINFLOAT": _Machine.push,
    "BINUNICODE": _Machine.push,
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "APPENDS": lambda machine, _: machine.append(),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.pop_from(machine.marks.pop()))),
    "TUPLE2": lambda machine, _: machine.push_tuple(2),
    "TUPLE3": lambda machine, _: machine.push_tuple(3),
    "BINPUT": _Machine.remember,
    "LONG_BINPUT": _Machine.remember,
    "BINGET": lambda machine, place: machine.push(machine.memo[place]),
    "LONG_BINGET": lambda machine, place: machine.push(machine.memo[place]),
    "GLOBAL": lambda machine, name: machine.push(Global(name)),
    "NEWOBJ": lambda machine, _: machine.leave_class(),
    "BUILD": lambda machine, _: machine.push_call(),
    "REDUCE": lambda machine, _: machine.push_call(),
    "BINPERSID": lambda machine, _: machine.push(Call("storage", machine.stack.pop())),
}
"""All that torch writes for packed weights."""
