"""Saved state, looked through before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from ..core.origin import called_at
from ..errors import StateError
from .packs import Slot
from .settings import faults


def refuse(kind: str, problems: list[str]) -> NoReturn:
    """Raise for a state that does not fit."""
    lines = [f"  {line}" for line in problems]
    raise StateError(
        "\n".join([f"this state does not fit {kind}{called_at()}", *lines])
        + "\n  → nothing was loaded; make the optimiser with the groups that it had when the state was saved"
    )


def listed(what: str, wanted: Any, found: Any, problems: list[str], optional: tuple[str, ...] = ()) -> None:
    """Note keys that are missing or extra."""
    missing = [str(key) for key in wanted if key not in found]
    extra = [str(key) for key in found if key not in wanted and key not in optional]
    if missing:
        problems.append(f"{what}: missing {', '.join(missing)}")
    if extra:
        problems.append(f"{what}: extra {', '.join(extra)}")


def read_groups(optimizer: Any, state: Any, problems: list[str]) -> list[dict[str, Any]]:
    """The saved hyperparameters, as far as they fit."""
    if not isinstance(state, Mapping):
        problems.append(f"a {type(state).__name__} is not a state")
        return []
    listed("the state", ("optimizer", "state", "param_groups"), state, problems)
    kind = state.get("optimizer", type(optimizer).__name__)
    if kind != type(optimizer).__name__:
        problems.append(f"it is of {kind}")
    groups = state.get("param_groups", [])
    mine = optimizer.param_groups
    if not isinstance(groups, (list, tuple)) or not all(isinstance(group, Mapping) for group in groups):
        problems.append("param_groups is not a list of dicts")
        return []
    if len(groups) != len(mine):
        problems.append(f"param_groups: {len(groups)}, the optimiser has {len(mine)}")
        return []
    count = 0
    for i, (saved, group) in enumerate(zip(groups, mine, strict=True)):
        numbers = list(range(count, count + len(group["params"])))
        count += len(numbers)
        params = saved.get("params")
        size = len(params) if isinstance(params, (list, tuple)) else "no list of"
        if size != len(numbers):
            problems.append(f"group {i}: {size} parameters, the optimiser has {len(numbers)}")
        elif list(params or ()) != numbers:
            problems.append(f"group {i}: its parameters are numbered {params}, not {numbers}")
        names = [name for name in group if name != "initial_lr"]
        listed(f"group {i}", names, saved, problems, optional=("initial_lr",))
        problems += [f"group {i}: {line}" for line in faults(dict(saved))]
    return [
        {name: tuple(value) if isinstance(group.get(name), tuple) else value for name, value in saved.items()}
        for saved, group in zip(groups, mine, strict=True)
    ]


def read_slots(optimizer: Any, saved: Any, groups: list[dict[str, Any]], problems: list[str]) -> list[Slot]:
    """New slots with the saved state, as far as it fits."""
    if not isinstance(saved, Mapping):
        problems.append("state is not a dict")
        return []
    saved = {int(key) if str(key).isdecimal() else key: value for key, value in saved.items()}
    slots: list[Slot] = []
    for mine, group in zip(optimizer.param_groups, groups, strict=True):
        for p in mine["params"]:
            parts = saved.pop(len(slots), None)
            what = f"parameter {len(slots)}" + (f" ({p.name})" if p.name else "")
            slot = Slot(p) if parts is None else _slot(optimizer, p, parts, group, what, problems)
            slots.append(slot)
    if saved:
        problems.append(f"state of parameters that the optimiser has not: {', '.join(map(str, saved))}")
    return slots


def _slot(optimizer: Any, p: Any, parts: Any, group: Any, what: str, problems: list[str]) -> Slot:
    if not isinstance(parts, Mapping):
        problems.append(f"{what}: not a dict")
        return Slot(p)
    if p._data is None:
        problems.append(f"{what}: its shape is not known yet; call the model once first")
        return Slot(p)
    wanted = optimizer.expected_state(p, group)
    listed(what, ["step", *wanted], parts, problems)
    step = whole(parts.get("step", 1), 1)
    if step is None:
        problems.append(f"{what}: step is {parts['step']!r}, not a whole number from 1")
    state = {}
    for name, like in wanted.items():
        if name in parts:
            state[name] = fitted(parts[name], like, f"{what}: {name}", problems)
    return Slot(p, step or 0, state)


def whole(value: Any, least: int) -> int | None:
    """``value`` as an int, if it is one that is at least ``least``."""
    array = np.asarray(value)
    if array.shape != () or array.dtype.kind not in "iu" or array < least:
        return None
    return int(array)


def fitted(value: Any, like: Any, what: str, problems: list[str]) -> Any:
    """A copy of a saved value as an array (or number) like another."""
    try:
        array = np.array(value)
    except ValueError:
        problems.append(f"{what} is not an array")
        return like
    shape, dtype = np.shape(like), np.asarray(like).dtype
    if array.shape != shape:
        problems.append(f"{what} has the shape {array.shape}, not {shape}")
    elif array.dtype.kind not in "iufc" or not np.can_cast(array.dtype, dtype, "same_kind"):
        problems.append(f"{what} holds {array.dtype} values, not {dtype}")
    elif isinstance(like, np.ndarray):
        return array.astype(dtype, copy=False)
    else:
        return type(like)(array)
    return like
