"""The step of an optimiser while ``compile`` records it: each parameter by the pure formula.

What the step reads (moments, counts, the rate) is state of the recorded program: read afresh at each call,
and written back after it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..config import EAGER, using
from ..core.variable import make
from .packs import Slot, gradient, replace

ndarray = np.ndarray


def record_step(optimizer: Any, tracer: Any) -> None:
    """Note down the update of every parameter that has a gradient.

    All gradients are looked at first, so that one that does not fit leaves nothing half done.
    """
    work = []
    for i, group in enumerate(optimizer.param_groups):
        for p in group["params"]:
            slot = optimizer._slots[id(p)]
            tracer.lift((p,))
            g = gradient(p)
            if g is not None:
                work.append((i, group, slot, g))
    for i, group, slot, g in work:
        _update(optimizer, tracer, i, group, slot, g)


def _update(optimizer: Any, tracer: Any, i: int, group: dict[str, Any], slot: Slot, g: Any) -> None:
    p = slot.param
    hyper = {**group, "lr": tracer.number(("rate", id(group)), f"the rate of group {i}", lambda: group["lr"])}
    counter = ("count", id(optimizer), i, slot.step)
    count = tracer.state(counter, f"the updates of group {i}", lambda: slot.step)
    tracer.also_writes(counter, _counter(optimizer, slot))
    step = tracer.once(("next", *counter), lambda: count + 1)
    state = _state(optimizer, tracer, group, slot)
    if optimizer.elementwise:
        old = {name: _paired(value) for name, value in state.items()}
        g, values = optimizer.decayed(_paired(g), _paired(p._data), hyper)
        new, after = optimizer.apply_single(g, values, old, hyper, step)
    else:
        old = state
        new, after = optimizer.apply_single(g, p._data, old, hyper, step)
    replace(p, _like(new, p._data))
    for name, value in after.items():
        if value is not old[name]:
            tracer.write(("slot", id(slot), name), _like(value, state[name]))
    tracer.write(counter, step)


def _paired(x: Any) -> Any:
    """Complex numbers as pairs of reals in a row; all else as it is."""
    if not hasattr(x, "dtype") or x.dtype.kind != "c":
        return x
    return x.reshape(-1).view(np.finfo(x.dtype).dtype)


def _like(new: Any, old: Any) -> Any:
    """The reverse, in the type and shape of what was there before."""
    if not hasattr(old, "dtype"):
        return new
    if old.dtype.kind == "c" and new.dtype.kind != "c":
        return new.view(old.dtype).reshape(old.shape)
    return new if new.dtype == old.dtype else new.astype(old.dtype)


def _counter(optimizer: Any, slot: Slot) -> Any:
    def write(step: int) -> None:
        slot.step = step
        if optimizer._plans[0] is not None:  # plans hold the arrays of before
            optimizer._plans = [None] * len(optimizer.param_groups)

    return write


def _state(optimizer: Any, tracer: Any, group: dict[str, Any], slot: Slot) -> dict[str, Any]:
    """What the optimiser keeps for a parameter, as state of the program; it begins with the first step."""
    with using(EAGER):
        fresh = optimizer.expected_state(make(tracer.concrete(slot.param._data)), group)
    state = {}
    for name, value in fresh.items():
        if name not in slot.state:
            slot.state[name] = value
        state[name] = tracer.state(
            ("slot", id(slot), name),
            f"{name} of {slot.name or 'a parameter'}",
            lambda name=name: slot.state[name],
            _writer(slot, name),
            (slot.state, name),
        )
    return state


def _writer(slot: Slot, name: str) -> Any:
    def write(value: Any) -> None:
        slot.state[name] = value

    return write
