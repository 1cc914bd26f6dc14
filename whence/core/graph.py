"""What a Variable's memory leads to, besides a Function: a leaf, or one port of several.

A node does not hold its input Variables: it holds *edges* (a Leaf, a Function, or a Port) and just
those values that its gradient will read. So an intermediate array that no gradient needs is freed
as soon as the user lets go of it, and ``x.grad`` never closes a reference cycle with ``x``.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable
from types import CodeType
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from ..errors import InPlaceError
from .origin import called_at, made_at

#: The order of creation, which is a topological order: a node is younger than all its inputs.
next_generation = itertools.count(1).__next__


def nobody() -> None:
    """The owner of an edge whose Variable is gone."""
    return None


class Stamp(NamedTuple):
    """What an array held when it was handed out to the user, and when that was."""

    array: Any
    print: Any
    generation: int


class Leaf:
    """The edge of a Variable that no recorded op made: an input or a parameter."""

    __slots__ = ("_code", "_lasti", "_name", "_owner", "_stamps")

    def __init__(
        self,
        owner: Callable[[], Any] | None,
        code: CodeType | None = None,
        lasti: int = 0,
        name: str | None = None,
    ) -> None:
        self._owner = owner or nobody
        self._code, self._lasti, self._name = code, lasti, name
        self._stamps: tuple[Stamp, ...] | None = None

    @property
    def node(self) -> None:
        """The Function that made the value: none."""
        return None

    def takes_short(self, shape: tuple[int, ...]) -> bool:
        """May one number stand for a whole cotangent here? What users get is written out."""
        return False


class Constant(Leaf):
    """The edge of an operand that was a plain array: no gradient is wanted for it."""

    __slots__ = ()
    _generation = 0


class Port:
    """The edge of one output among several of a node."""

    __slots__ = ("__weakref__", "_alone", "_name", "_owner", "dtype", "index", "node", "shape")

    def __init__(self, node: Any, index: int, like: Any, owner: Callable[[], Any] = nobody) -> None:
        self.node: Any = node
        self.index = index
        self._owner: Any = owner
        self.shape, self.dtype = like.shape, like.dtype
        self._name: str | None = None
        self._alone: tuple[Stamp, ...] | None = None

    def takes_short(self, shape: tuple[int, ...]) -> bool:
        """May one number stand for a whole cotangent here?"""
        return False

    @property
    def _generation(self) -> int:
        """When the node was made."""
        return 0 if self.node is None else self.node._generation

    @property
    def _code(self) -> CodeType | None:
        """The code that called the node."""
        return None if self.node is None else self.node._code

    @property
    def _lasti(self) -> int:
        """The instruction in it."""
        return 0 if self.node is None else self.node._lasti

    @property
    def _stamps(self) -> tuple[Stamp, ...] | None:
        """Kept by the node for all of its outputs, until the port is unchained."""
        return self._alone if self.node is None else self.node._stamps

    @_stamps.setter
    def _stamps(self, stamps: tuple[Stamp, ...] | None) -> None:
        if self.node is None:
            self._alone = stamps
        else:
            self.node._stamps = stamps

    def unchain(self) -> None:
        """Forget the node: the output becomes an input, here and where it was used before."""
        owner = self._owner()
        if owner is not None and owner.edge is self:
            owner.edge = Leaf(self._owner, self._code, self._lasti, self._name)
        self.node = None


class Outlet:
    """A node's view of one of its ports: a weak one, since the port holds the node."""

    __slots__ = ("_port", "dtype", "index", "shape")

    def __init__(self, port: Port) -> None:
        self.index, self.shape, self.dtype = port.index, port.shape, port.dtype
        self._port = ref(port)

    def port(self, node: Any) -> Port:
        """The port; a fresh one where nobody holds the output or anything made of it."""
        port = self._port()
        if port is None:
            port = Port(node, self.index, self)
            self._port = ref(port)
        return port


class Absent:
    """Stands for a large value that no gradient needs: its shape and type are all that is kept."""

    __slots__ = ("dtype", "shape")

    def __init__(self, array: Any) -> None:
        self.shape, self.dtype = array.shape, array.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        size = 1
        for length in self.shape:
            size *= length
        return size


# --- arrays that somebody else can write to ------------------------------------------------------

EXACT = 1 << 10  # bytes below which a constant's contents are compared whole (0.2 µs)
SAMPLES = 64


def fingerprint(array: Any, exact: bool = True) -> Any:
    """A value that changes when ``array``'s contents do.

    Whole contents up to 1 kB, a checksum above (3 GB/s). With ``exact=False`` a large array is
    sampled at 64 places instead: what a constant operand costs, about 1 µs whatever its size.
    """
    if array.nbytes <= EXACT:
        return array.tobytes()
    if exact:
        return zlib.adler32(np.ascontiguousarray(array).view(np.uint8).data)
    if array.flags.c_contiguous or array.flags.f_contiguous:
        flat = array.reshape(-1, order="A")
        return flat[:: max(1, flat.size // SAMPLES)].tobytes()
    return array[tuple(slice(None, None, max(1, n // 8)) for n in array.shape)].tobytes()


def hand_out(edge: Any, array: Any) -> None:
    """Note what ``array`` holds now that the user can write to it."""
    stamp = Stamp(array, fingerprint(array), next_generation())
    edge._stamps = (stamp,) if edge._stamps is None else (*edge._stamps, stamp)


def check_stamps(stamps: tuple[Stamp, ...], edge: Any, user: Any) -> None:
    """Raise if an array was written to since it was handed out and before ``user`` needs it."""
    for array, before, _ in stamps:
        exact = not isinstance(before, bytes) or array.nbytes <= EXACT
        if fingerprint(array, exact) != before:
            raise InPlaceError(
                f"an array of shape {array.shape} was overwritten in place after "
                f"{user} had saved it for its gradient{called_at()}\n"
                f"  {user} {made_at(edge)}\n"
                "  → call backward() before writing, or write to a copy "
                "(v.data.copy()); to update a parameter use v.assign(new) or v[...] = new"
            )
