"""A compiled program: a table of launches behind one builtin function.

A *launch* is a kernel ``void kernel(words, begin, end)`` over items that do not depend on each other, or a
call of Python's. Which thread computes which items changes from run to run; so what a kernel writes for an
item may depend on that item alone: partial sums are kept one per item, never one per thread, and added up by
a launch of one item after it. Then the bits are the same for any number of threads.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .engine import engine
from .guards import Guards

#: Programs longer than this let other Python threads run meanwhile: letting go of the interpreter's lock and
#: taking it again costs 40 ns, and more where others want it.
RELEASE_NANOSECONDS = 20_000

#: Outputs up to this size are kept and used again when nobody else holds them: a new array of 4 MB costs
#: 1,000 page faults, 0.3 ms; what is larger than this would tie up memory that others need.
KEPT_BYTES = 1 << 26

Words = np.ndarray[Any, np.dtype[np.uint64]]


class At(NamedTuple):
    """A pointer in an argument block: so many bytes into what a slot holds at the time of the call."""

    slot: int
    offset: int = 0


class Launch(NamedTuple):
    """A kernel over items.

    ``arguments`` are the words of its argument block: numbers and addresses, or :class:`At`. ``grain`` is how
    many items are worth a thread (about 10 µs of work); 0 keeps the launch on the calling thread.
    """

    kernel: int  # an address
    arguments: Sequence[int | At]
    items: int = 1
    grain: int = 0
    name: str = ""


class Step(NamedTuple):
    """A call of Python's among the launches: ``function(*arguments)``, whose result is dropped.

    With ``when``, the address of a byte, it is made only where the byte is not 0 at that time.
    """

    function: Callable[..., object]
    arguments: tuple[Any, ...] = ()
    name: str = ""
    when: int = 0


class Input(NamedTuple):
    """An argument of the call: a C-contiguous array of this type and shape, its address put into a slot."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    slot: int


class Output(NamedTuple):
    """An array that the call returns."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    slot: int


#: Why a call was refused, by the number that native code leaves.
REASONS = {1: "arguments", 2: "input", 3: "guard", 4: "busy"}


class Refusal(NamedTuple):
    """Why the last call returned NotImplemented.

    ``kind`` is "arguments" (``number`` of them came), "input" or "guard" (``number`` says which does not
    fit), or "busy": the program is running in another thread or further up in this one.
    """

    kind: str
    number: int


class Program:
    """A table of launches and the builtin function ``call`` that runs it.

    ``call(*arrays)`` returns the output if there is one, else a tuple of them; NotImplemented when anything
    is not as it was said here, before anything has been done (see :attr:`refusal`). An exception in a Python
    step and Ctrl-C stop the program between launches; :attr:`stopped` says where.

    Args:
        launches: what is to be done, in order.
        slots: how many slots there are.
        inputs, outputs: what the call takes and returns.
        fixed: what stays in slots: arrays (constants, the arena), or addresses that somebody else keeps.
        nanoseconds: about how long a run takes: beyond 20 µs other threads of Python's run meanwhile.
        last_stop: from this launch on Ctrl-C waits for the end, for what must not be left half done.
        guards: what must stand where it stood.
        keep: what must live as long as the program (its library of kernels).
    """

    def __init__(
        self,
        launches: Sequence[Launch | Step],
        slots: int = 0,
        *,
        inputs: Sequence[Input] = (),
        outputs: Sequence[Output] = (),
        fixed: Mapping[int, np.ndarray[Any, Any] | int] | None = None,
        nanoseconds: float = 0,
        last_stop: int | None = None,
        guards: Guards | None = None,
        keep: Any = None,
    ) -> None:
        self._alive: list[Any] = [keep]
        self.launches = tuple(launches)
        self.slots = np.zeros((slots, 4), np.uint64)
        self.slots[:, 1] = np.iinfo(np.uint64).max  # an address that none is: all are patched at first
        for slot, place in (fixed or {}).items():
            self.slots[slot, 0] = place if isinstance(place, int) else address(place)
            self._alive.append(place)
        table, patches = self._table()
        header = np.ndarray.__new__(_Header, 19, np.uint64)
        header[:] = 0
        header[4:6] = len(inputs), address(self._inputs(inputs))
        header[8:10] = len(outputs), address(self._outputs(outputs))
        header[10:13] = slots, address(self.slots), address(patches)
        header[13:15] = len(self.launches), address(table)
        header[15] = nanoseconds > RELEASE_NANOSECONDS
        header[16] = len(outputs) == 1
        header[17] = any(isinstance(launch, Launch) and launch.grain for launch in self.launches)
        header[18] = len(self.launches) if last_stop is None else last_stop
        if guards is not None:
            rows = guards.table()
            header[6:8] = len(rows), address(rows)
            self._alive += [guards, rows]
        header.alive = (self._alive, self.slots)
        self._header = header
        self.call = _builtin(header)

    @property
    def refusal(self) -> Refusal:
        """Why the last call returned NotImplemented."""
        return Refusal(REASONS.get(int(self._header[2]), ""), int(self._header[3]))

    @property
    def stopped(self) -> Launch | Step | None:
        """The launch at which an exception ended the last run that was ended by one."""
        return self.launches[int(self._header[1])] if self.launches else None

    def _table(self) -> tuple[Words, Words]:
        """Launches and patches as native code walks them; the argument blocks stand behind each other."""
        sizes = [len(launch.arguments) if isinstance(launch, Launch) else 2 for launch in self.launches]
        blocks = _words(sum(sizes), 1)[:, 0]
        start = address(blocks)
        table = _words(len(self.launches), 4)
        patches: list[list[tuple[int, int]]] = [[] for _ in self.slots]
        word = 0
        for number, (launch, size) in enumerate(zip(self.launches, sizes, strict=True)):
            if isinstance(launch, Step):
                self._alive.append(launch)
                blocks[word : word + 2] = id(launch.function), id(launch.arguments)
                table[number] = 0, start + 8 * word, launch.when, 0
            else:
                table[number] = launch.kernel, start + 8 * word, launch.items, launch.grain
                for place, argument in enumerate(launch.arguments, word):
                    if isinstance(argument, At):
                        patches[argument.slot].append((start + 8 * place, argument.offset % (1 << 64)))
                    else:
                        blocks[place] = argument % (1 << 64)
            word += size
        ends = np.cumsum([len(group) for group in patches], dtype=np.uint64)
        self.slots[:, 3] = ends
        self.slots[1:, 2] = ends[:-1]
        flat = np.array([patch for group in patches for patch in group], np.uint64).reshape(-1, 2)
        self._alive += [blocks, table, flat]
        return table, flat

    def _inputs(self, inputs: Sequence[Input]) -> Words:
        words = _words(len(inputs), 4)
        for row, said in zip(words, inputs, strict=True):
            row[:] = id(said.dtype), len(said.shape), self._shape(said.shape), said.slot
        self._alive += [words, inputs]
        return words

    def _outputs(self, outputs: Sequence[Output]) -> Words:
        words = _words(len(outputs), 7)
        kept = np.full((len(outputs), 2), None, object)
        for row, said, two in zip(words, outputs, kept, strict=True):
            size = said.dtype.itemsize * int(np.prod(said.shape))
            row[:4] = id(said.dtype), len(said.shape), self._shape(said.shape), said.slot
            row[4:] = address(two), 0, size <= KEPT_BYTES
        self._alive += [words, outputs, kept]
        self._outputs_kept = kept
        return words

    def forget(self) -> None:
        """Let go of the arrays that are kept to be used again."""
        self._outputs_kept[:] = None

    def _shape(self, shape: tuple[int, ...]) -> int:
        sizes = np.array(shape, np.int64)
        self._alive.append(sizes)
        return address(sizes)


class _Header(np.ndarray[Any, Any]):
    """What the builtin function holds as its self: the words of the program, and all that they point to."""

    alive: tuple[Any, ...]


class _Method(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


_FASTCALL = 0x0080
_METHODS: list[_Method] = []


def _builtin(header: _Header) -> Any:
    """A builtin function over a program."""
    if not _METHODS:
        _METHODS.append(_Method(b"compiled", engine().call, _FASTCALL, b"A program of native kernels."))
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(_METHODS[0]))  # outlives every function made of it
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return make(ctypes.addressof(_METHODS[0]), header, None)


def address(array: np.ndarray[Any, Any]) -> int:
    """Where an array's first element is."""
    return array.__array_interface__["data"][0]


def _words(rows: int, columns: int) -> Words:
    return np.zeros((rows, columns), np.uint64)
