"""How pure formulas are driven fast: many small parameters as one vector, large ones block by block.

A formula works on arrays of any length. A hundred biases cost a hundred times the overhead of a dozen
NumPy calls; as one vector they cost it once. A matrix of a million elements costs a dozen passes through main
memory; in blocks that stay in a cache it costs one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..core.graph import Leaf
from ..core.origin import called_at, made_at
from ..core.variable import Variable, as_data
from ..errors import DtypeError, ShapeError

ndarray = np.ndarray
BLOCK = 1 << 15  # elements: some arrays of this length fit into a core's own cache
SMALL = 1 << 13  # elements: parameters up to here share one vector


class Slot:
    """What an optimiser keeps for one parameter.

    Attributes:
        param: the parameter.
        name: what the optimiser was told that it is called; its own name otherwise.
        step: how many updates it has had.
        state: arrays of the parameter's shape, and numbers, by name.
    """

    __slots__ = ("name", "param", "state", "step")

    def __init__(
        self, param: Variable, step: int = 0, state: dict[str, Any] | None = None, name: str | None = None
    ) -> None:
        self.param, self.step, self.name = param, step, name or param.name
        self.state: dict[str, Any] = {} if state is None else state


def gradient(p: Any) -> Any:
    """The gradient of a parameter as an array of its shape and type; None where there is none.

    Raises:
        ShapeError, DtypeError: it does not fit the parameter.
    """
    g = p.grad
    if g is None or p._data is None:
        return None
    g = g._data if isinstance(g, Variable) else as_data(g)
    data = p._data
    if g.shape != data.shape:
        raise ShapeError(
            f"a gradient of shape {g.shape} for {_named(p)} of shape {data.shape}{called_at()}\n"
            "  → nothing was updated; set p.grad to an array of the parameter's shape"
        )
    if g.dtype != data.dtype:
        if not np.can_cast(g.dtype, data.dtype, "same_kind"):
            raise DtypeError(
                f"a gradient of dtype {g.dtype} for {_named(p)} of dtype {data.dtype}{called_at()}\n"
                "  → nothing was updated; convert it first"
            )
        g = g.astype(data.dtype)
    return g


def _named(p: Any) -> str:
    return f"the parameter {p.name!r}" if p.name else f"a parameter {made_at(p.edge)}"


def replace(p: Any, data: Any) -> None:
    """Give a parameter new values, which nobody else will write to; graphs recorded before keep the old.

    As :meth:`Variable.assign`, without its checks and its copy.
    """
    p._data = data
    edge = p.edge
    if isinstance(edge, Leaf):
        p.edge = type(edge)(edge._owner, edge._code, edge._lasti, edge._name)


def real_vector(array: Any) -> Any:
    """The elements in a row, complex ones as pairs of reals; a view where that can be."""
    flat = np.asarray(array).reshape(-1)
    return flat.view(np.finfo(flat.dtype).dtype) if flat.dtype.kind == "c" else flat


class Pack:
    """Parameters that are updated together: of one type, with the same number of updates behind them.

    Attributes:
        slots: of the parameters.
        step: how many updates they have had.
    """

    def __init__(self, optimizer: Any, group: dict[str, Any], slots: list[Slot]) -> None:
        self.slots, self.step = slots, slots[0].step
        self.params = [slot.param for slot in slots]
        self.dtype = self.params[0]._data.dtype
        self.real = np.finfo(self.dtype).dtype
        self.shapes = [p._data.shape for p in self.params]
        self.elementwise: bool = optimizer.elementwise
        width = self.dtype.itemsize // self.real.itemsize if self.elementwise else 1
        ends = np.cumsum([p._data.size * width for p in self.params]).tolist()
        self.cuts = [slice(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
        self.size = ends[-1]
        self.views: list[Any] = []
        self.flat: Any = None
        self.state = self._gathered_state(optimizer, group)
        self.scratch = np.empty((optimizer.scratch_arrays, min(self.size, BLOCK)), self.real)

    def _gathered_state(self, optimizer: Any, group: dict[str, Any]) -> dict[str, Any]:
        """The state of all slots as one vector for each name; the slots keep views of it."""
        if not self.elementwise:
            (slot,) = self.slots
            fresh = optimizer.init_single(slot.param._data, group)
            slot.state = {name: slot.state.get(name, value) for name, value in fresh.items()}
            return slot.state
        fresh = [optimizer.init_single(real_vector(p._data), group) for p in self.params]
        joined: dict[str, Any] = {}
        for name, value in fresh[0].items():
            if not isinstance(value, ndarray):
                joined[name] = self.slots[0].state.get(name, value)
                continue
            parts = [slot.state.get(name, new[name]) for slot, new in zip(self.slots, fresh, strict=True)]
            joined[name] = np.concatenate([real_vector(part) for part in parts]).astype(self.real, copy=False)
        for slot, cut, shape in zip(self.slots, self.cuts, self.shapes, strict=True):
            slot.state = {name: self._shaped(value, cut, shape) for name, value in joined.items()}
        return joined

    def _shaped(self, flat: Any, cut: slice, shape: tuple[int, ...]) -> Any:
        if not isinstance(flat, ndarray):
            return flat
        part = flat[cut]
        return (part if self.dtype == self.real else part.view(self.dtype)).reshape(shape)

    def gradients(self) -> Any:
        """The gradients in a row; None if the pack no longer fits what it was made for."""
        found, dtype = [], self.dtype
        for p, shape in zip(self.params, self.shapes, strict=True):
            g, data = p.grad, p._data
            g = g._data if type(g) is Variable else None
            if g is None or g.shape != shape or g.dtype is not dtype:
                g = gradient(p)
            if g is None or data.shape != shape or data.dtype != dtype:
                return None
            found.append(g)
        if not self.elementwise:
            return found[0]
        if len(found) == 1:
            return real_vector(found[0])
        flat = np.concatenate(found, axis=None)
        return flat if self.dtype == self.real else flat.view(self.real)

    def values(self) -> Any:
        """The parameters in a row: the vector of the last update, where they are still its parts."""
        params = self.params
        if not self.elementwise:
            return params[0]._data
        if len(params) == 1:
            return real_vector(params[0]._data)
        if self.flat is not None and all(p._data is view for p, view in zip(params, self.views, strict=True)):
            return self.flat
        flat = np.concatenate([p._data for p in params], axis=None)
        return flat if self.dtype == self.real else flat.view(self.real)

    def update(self, optimizer: Any, group: dict[str, Any], g: Any) -> None:
        """One step of the optimiser for all parameters of the pack."""
        self.step += 1
        p, state = self.values(), self.state
        if not self.elementwise:
            new, after = optimizer.apply_single(g, p, dict(state), group, self.step)
            state.update(after)
            replace(self.params[0], np.array(new, self.dtype))
            self.slots[0].step = self.step
            return
        alone = len(self.params) == 1
        whole = np.empty(self.shapes[0], self.dtype) if alone else None
        out = np.empty(self.size, self.real) if whole is None else real_vector(whole)
        if self.size <= BLOCK:
            numbers = optimizer.apply_block(g, p, state, group, self.step, out, self.scratch)
        else:
            numbers = self._by_blocks(optimizer, group, g, p, out)
        state.update(numbers)
        for slot in self.slots:
            slot.step = self.step
            if numbers:
                slot.state.update(numbers)
        if whole is not None:
            replace(self.params[0], whole)
            return
        self.flat = out
        self.views = [self._shaped(out, cut, s) for cut, s in zip(self.cuts, self.shapes, strict=True)]
        for p, view in zip(self.params, self.views, strict=True):
            replace(p, view)

    def _by_blocks(self, optimizer: Any, group: dict[str, Any], g: Any, p: Any, out: Any) -> dict[str, Any]:
        numbers: dict[str, Any] = {}
        for block in blocks(self.size):
            part = {
                name: value[block] if isinstance(value, ndarray) else value
                for name, value in self.state.items()
            }
            numbers = optimizer.apply_block(
                g[block], p[block], part, group, self.step, out[block], self.scratch
            )
        return numbers


def blocks(size: int) -> Iterator[slice]:
    """Slices of at most BLOCK elements that cover ``size``; one, if empty, for no elements."""
    for start in range(0, max(size, 1), BLOCK):
        yield slice(start, min(start + BLOCK, size))


class Plan:
    """The packs of one parameter group, as long as the same parameters have gradients."""

    def __init__(self, optimizer: Any, group: dict[str, Any], slots: Iterable[Slot]) -> None:
        self.shape = self.shape_of(optimizer, group)
        kinds: dict[Any, list[Slot]] = {}
        self.idle = []
        for slot in slots:
            p = slot.param
            if gradient(p) is None:
                self.idle.append(p)
                continue
            numbers = tuple((k, v) for k, v in slot.state.items() if not isinstance(v, ndarray))
            share = optimizer.elementwise and p._data.size <= SMALL
            kinds.setdefault((p._data.dtype, slot.step, numbers, 0 if share else id(p)), []).append(slot)
        self.packs = [Pack(optimizer, group, slots) for slots in kinds.values()]

    @staticmethod
    def shape_of(optimizer: Any, group: dict[str, Any]) -> tuple[Any, ...]:
        """What else decides which packs and which state there are."""
        return (len(group["params"]), *(bool(group[name]) for name in optimizer.switches))

    def gradients(self, optimizer: Any, group: dict[str, Any]) -> list[Any] | None:
        """The gradients of each pack; None if the plan does not fit any more."""
        if self.shape != self.shape_of(optimizer, group) or any(p.grad is not None for p in self.idle):
            return None
        found = []
        for pack in self.packs:
            g = pack.gradients()
            if g is None:
                return None
            found.append(g)
        return found
