"""Saved state on its way into a module: everything is looked at before anything is installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.variable import Variable, as_data
from ..errors import ShapeError, StateError


def load(title: str, mine: Mapping[str, Any], owners: Mapping[str, Any], state: Any, strict: bool) -> None:
    """Give parameters and buffers the values of ``state``; all of them, or on an error none.

    Args:
        title: the module's class, for messages.
        mine: parameters and buffers under every name that they have.
        owners: the modules under every name that they have.
        state: arrays by name.
        strict: missing and extra keys are errors.

    Raises:
        StateError: it lists every missing, extra and unfitting key.
    """
    missing, extra = [key for key in mine if key not in state], [key for key in state if key not in mine]
    found = {key: as_data(_plain(state[key])) for key in mine if key in state}
    sizes: dict[int, tuple[Any, int]] = {}
    misfits = [*_of_known_shape(mine, found), *_of_lazy_shape(mine, found, owners, sizes)]
    values = {} if misfits else {key: _cast(array, mine, owners, key) for key, array in found.items()}
    lists = {
        "wrongly shaped": misfits,
        "not representable": [*_overflows(found, values)],
        "tied, but with different values": [*_torn(mine, values)],
    }
    if strict:
        lists = {"missing": missing, "extra": extra, **lists}
    if any(lists.values()):
        lines = [f"  {what}: {', '.join(keys)}" for what, keys in lists.items() if keys]
        others = any(keys for what, keys in lists.items() if what not in ("missing", "extra"))
        raise StateError(
            "\n".join([f"this state does not fit {title}{called_at()}", *lines])
            + "\n  → nothing was loaded; build the model as it was when the state was saved"
            + ("" if others else ", or strict=False to take what is there")
        )
    for key, array in values.items():
        if mine[key]._data is None:
            mine[key].initialize(array)
        else:
            mine[key].assign(array)
    for owner, size in sizes.values():
        owner.learn_size(size)


def _plain(value: Any) -> Any:
    """The array in a Variable, or in another framework's array."""
    if isinstance(value, Variable):
        return value._data
    if hasattr(value, "detach") and hasattr(value, "numpy"):  # a PyTorch tensor
        return value.detach().cpu().numpy()
    return np.asarray(value)


def _of_known_shape(mine: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for key, array in found.items():
        value = mine[key]
        if value._data is None:
            continue
        if array.shape != value.shape:
            yield f"{key}: {array.shape}, the module has {value.shape}"
        if not np.can_cast(array.dtype, value.dtype, "same_kind"):
            yield f"{key}: {array.dtype} values, the module has {value.dtype}"


def _of_lazy_shape(
    mine: Mapping[str, Any], found: Mapping[str, Any], owners: Mapping[str, Any], sizes: dict[int, Any]
) -> Iterator[str]:
    """What contradicts the sizes that are known already; those that are learnt go into ``sizes``."""
    for key, array in found.items():
        if mine[key]._data is not None:
            continue
        if array.dtype.kind not in "fc":
            yield f"{key}: {array.dtype} values, where floats are learned"
        prefix, _, name = key.rpartition(".")
        owner = owners.get(prefix)
        if owner is None or name not in owner.lazy_shapes():  # a module that says nothing about its shapes
            continue
        wanted = owner.lazy_shapes()[name]
        size = sizes[id(owner)][1] if id(owner) in sizes else None
        known = tuple([size if n is None else n for n in wanted])
        if len(known) != array.ndim or any(
            n not in (None, m) for n, m in zip(known, array.shape, strict=True)
        ):
            yield f"{key}: {array.shape}, the module takes {_shape_text(known)}"
        elif None in known:
            size = array.shape[known.index(None)]
            try:
                owner.check_size(size)
            except ShapeError as error:
                yield f"{key}: {array.shape}, {str(error).partition('→')[2].strip()}"
            sizes[id(owner)] = owner, size


def _shape_text(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("any" if n is None else str(n) for n in shape) + ("," * (len(shape) == 1)) + ")"


def _cast(array: Any, mine: Mapping[str, Any], owners: Mapping[str, Any], key: str) -> Any:
    """The array in the type that it will have."""
    value = mine[key]
    if value._data is not None:
        dtype = value.dtype
    else:
        dtype = getattr(owners.get(key.rpartition(".")[0]), "_dtype", array.dtype)
    with np.errstate(all="ignore"):
        return array.astype(dtype)


def _overflows(found: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[str]:
    """Numbers that would be infinite, or others, in the module's type."""
    for key, cast in values.items():
        array = found[key]
        if np.can_cast(array.dtype, cast.dtype, "safe"):
            continue
        wrong = cast != array if cast.dtype.kind in "iu" else np.isfinite(array) & ~np.isfinite(cast)
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            yield f"{key}: {array[place]} at {list(place)} is too large for {cast.dtype}"


def _torn(mine: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[str]:
    """Names of one parameter that come with different values."""
    first: dict[int, str] = {}
    for key, array in values.items():
        other = first.setdefault(id(mine[key]), key)
        if other != key and not np.array_equal(array, values[other], equal_nan=array.dtype.kind in "fc"):
            yield f"{other} and {key}"
