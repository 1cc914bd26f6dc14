"""Weights as safetensors files, by the format's own library (the only module that imports it)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.variable import Variable
from ..errors import DtypeError, MissingExtraError, StateError
from . import atomic

try:
    import safetensors
    import safetensors.numpy
except ImportError as error:
    raise MissingExtraError(
        'safetensors files need the safetensors package\n  → pip install "whence[train]"'
    ) from error

_DTYPES = {
    "BOOL": "?", "I8": "i1", "I16": "<i2", "I32": "<i4", "I64": "<i8", "U8": "u1", "U16": "<u2", "U32": "<u4",
    "U64": "<u8", "F16": "<f2", "F32": "<f4", "F64": "<f8", "C64": "<c8",
}  # fmt: skip
_WRITTEN = frozenset(np.dtype(code).newbyteorder("=") for code in _DTYPES.values())


def save_safetensors(
    state: Mapping[str, Any], path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a flat dict of arrays, such as ``model.state_dict()``, as a safetensors file.

    The file is written whole or not at all. For nested containers and plain values there is ``whence.save``.

    Args:
        state: names and arrays (or Variables).
        path: where to.
        metadata: notes, strings by name, that :func:`load_metadata` gives back.

    Raises:
        DtypeError: an array of elements that the format does not have (complex128, dates, strings).
        StateError: a name, or a piece of metadata, that is no string.

    Example:
        >>> import os, tempfile
        >>> from whence import io, nn
        >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
        >>> model = nn.Linear(3, 2)
        >>> io.save_safetensors(model.state_dict(), path)
        >>> sorted(io.load_safetensors(path))
        ['bias', 'weight']
    """
    texts = [*state, *(metadata or {}), *(metadata or {}).values()]
    for text in texts:
        if not isinstance(text, str):
            raise StateError(f"names and metadata are strings, not {text!r}{called_at()}")
    if "__metadata__" in state:
        raise StateError(f"'__metadata__' names the file's own notes, not an array{called_at()}")
    arrays = {name: _array(name, value) for name, value in state.items()}
    content = safetensors.numpy.save(arrays, dict(metadata) if metadata else None)
    atomic.write(path, content)


def _array(name: str, value: Any) -> np.ndarray:
    array = value._data if isinstance(value, Variable) else value
    if array is None:
        raise StateError(
            f"the shape of {name!r} is not known yet{called_at()}\n  → call the model once first"
        )
    if isinstance(array, (Mapping, list, tuple)):
        raise StateError(
            f"{name!r} is a container{called_at()}\n  → whence.save(path, tree) keeps nested ones"
        )
    array = np.asarray(array)
    if array.dtype.newbyteorder("=") not in _WRITTEN:
        raise DtypeError(
            f"{name!r} holds {array.dtype} elements, which a safetensors file does not have{called_at()}\n"
            "  → whence.save(path, state) keeps every dtype"
        )
    return np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape)


def load_safetensors(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file by name.

    bfloat16, which NumPy does not have, comes as float32: the same values exactly.

    Raises:
        StateError: the file is truncated or no safetensors file.
        DtypeError: elements that NumPy does not have, such as those of 8 bits.
        FileNotFoundError: it is not there.
    """
    content = Path(path).read_bytes()
    try:
        entries = safetensors.deserialize(content)
    except safetensors.SafetensorError as error:
        raise StateError(
            f"{os.fspath(path)}: not a whole safetensors file: {error}{called_at()}\n"
            "  → nothing was loaded; save it or fetch it again"
        ) from error
    return {name: _numbers(name, entry, path) for name, entry in entries}


def _numbers(name: str, entry: Any, path: Any) -> np.ndarray:
    kind, shape, data = entry["dtype"], entry["shape"], entry["data"]
    if kind == "BF16":  # the upper half of a float32
        halves = np.frombuffer(data, "<u2").astype(np.uint32)
        return (halves << np.uint32(16)).view(np.float32).reshape(shape)
    if kind not in _DTYPES:
        raise DtypeError(f"{os.fspath(path)}: {name!r} holds {kind} elements, which NumPy does not have")
    stored = np.dtype(_DTYPES[kind])
    return np.frombuffer(data, stored).astype(stored.newbyteorder("=")).reshape(shape)


def load_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The notes that a safetensors file carries.

    Raises:
        StateError: the file is truncated or no safetensors file.
    """
    load_safetensors(path)
    content = Path(path).read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]).get("__metadata__", {})
