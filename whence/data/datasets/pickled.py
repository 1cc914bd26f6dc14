"""Pickles from strangers: numbers and containers are taken from them, nothing in them is run.

A pickle is a program that may call whatever it can name. Here it can name four things, the ones that arrays
of bytes are written with, and each is a stand-in of this module: not even NumPy is called by the file.
"""

from __future__ import annotations

import io
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from ...core.origin import called_at
from ...errors import DataError


def unpickled(path: Path, content: bytes) -> dict[str, Any]:
    """The dict in a pickle of Python 2 or 3, with text as its keys.

    Raises:
        DataError: it names anything else than arrays of bytes, or is damaged, or no dict.
    """
    try:
        found = _Careful(io.BytesIO(content), encoding="bytes").load()
    except _Refused as error:
        raise DataError(
            f"{path} asks for {error}: it is refused, for a pickle may run whatever it names{called_at()}\n"
            "  → get the binary version, or this one from its authors"
        ) from None
    except Exception as error:  # a damaged pickle may raise anything
        raise DataError(f"{path} is no pickle of numbers, or damaged: {error}{called_at()}") from error
    if not isinstance(found, dict):
        raise DataError(f"{path} holds no dict{called_at()}")
    keys = [key.decode("latin1") if isinstance(key, bytes) else str(key) for key in found]
    values = [value.array if isinstance(value, _Array) else value for value in found.values()]
    return dict(zip(keys, values, strict=True))


class _Refused(pickle.UnpicklingError):
    """A name that a pickle may not have."""


class _Careful(pickle.Unpickler):
    """Names are looked up in a table, not among Python's modules."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in."""
        if (module, name) not in _STAND_INS:
            raise _Refused(f"{module}.{name}")
        return _STAND_INS[module, name]


class _Array:
    """In place of ``_reconstruct``: an array of bytes to come."""

    def __init__(self, kind: Any, shape: Any, code: Any) -> None:
        self.array: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, columns_first, content = state
        if not isinstance(dtype, _Dtype) or not isinstance(content, bytes):
            raise _Refused("an array of something else than bytes")
        shape = [int(n) for n in shape]
        if min(shape, default=0) < 0 or math.prod(shape) != len(content):
            raise ValueError(f"{len(content)} bytes for an array of shape {shape}")
        self.array = np.frombuffer(content, np.uint8).reshape(shape, order="F" if columns_first else "C")


class _Dtype:
    """In place of ``dtype``: only the one of bytes."""

    def __init__(self, code: Any, *_: Any) -> None:
        if code not in ("u1", b"u1"):
            raise _Refused(f"the dtype {code!r}")

    def __setstate__(self, state: Any) -> None:
        """A byte has no order and no fields."""


class _Kind:
    """In place of ``ndarray``, which is only named."""

    def __init__(self) -> None:
        raise _Refused("numpy.ndarray()")

    def __setstate__(self, state: Any) -> None:
        raise _Refused("a change of numpy.ndarray")


class _Latin1:
    """In place of ``_codecs.encode``: how Python 3 writes bytes for Python 2."""

    def __new__(cls, text: Any, encoding: Any) -> Any:
        if encoding not in ("latin1", b"latin1"):
            raise _Refused(f"the encoding {encoding!r}")
        return text.encode("latin1")

    def __setstate__(self, state: Any) -> None:
        raise _Refused("a change of _codecs.encode")


_STAND_INS = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,  # as NumPy 2 names it
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _Kind,
    ("_codecs", "encode"): _Latin1,
}
