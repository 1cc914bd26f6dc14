"""Where CPython and NumPy keep what native code reads: offsets, checked once against arrays that are known.

The fields stand in NumPy's C ABI (``PyArrayObject_fields``) and CPython's (``PyObject``,
``PyMemberDescrObject``).
"""

from __future__ import annotations

import ctypes
import sys
import sysconfig
from functools import cache
from typing import Any

import numpy as np

DATA, RANK, SHAPE, BASE, DESCRIPTION, FLAGS, WEAK = 16, 24, 32, 48, 56, 64, 72

CONTENTS = 16  # of a closure's cell

C_CONTIGUOUS, ALIGNED, WRITEABLE = 0x0001, 0x0100, 0x0400

_TYPE, _EMPTY = 2, 184  # places of PyArray_Type and PyArray_Empty in NumPy's table of functions
_MEMBER = 40  # of the PyMemberDef in a member descriptor; in that, the offset stands at 16


def word(address: int) -> int:
    """The pointer-sized word at an address."""
    return ctypes.c_size_t.from_address(address).value


def half(address: int) -> int:
    """The 32-bit integer at an address."""
    return ctypes.c_int32.from_address(address).value


@cache
def readable() -> bool:
    """Whether arrays are laid out as this module says: if not, nothing native may look into them."""
    if (
        sys.implementation.name != "cpython"
        or ctypes.sizeof(ctypes.c_void_p) != 8
        or sys.byteorder != "little"
    ):
        return False
    if sysconfig.get_config_var("Py_GIL_DISABLED"):  # reference counts are split there
        return False
    holder = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    things = [holder, None]
    if word(id(things) + 16) != 2 or word(word(id(things) + 24)) != id(holder):
        return False
    return _as_said(holder) and _as_said(holder[:, ::2]) and word(numpy_table() + 8 * _TYPE) == id(np.ndarray)


def _as_said(array: np.ndarray[Any, Any]) -> bool:
    start = id(array)
    shape = word(start + SHAPE)
    flags = half(start + FLAGS)
    return (
        word(start + 8) == id(np.ndarray)
        and word(start + DATA) == array.__array_interface__["data"][0]
        and half(start + RANK) == array.ndim
        and tuple(word(shape + 8 * axis) for axis in range(array.ndim)) == array.shape
        and word(start + BASE) == id(array.base)
        and word(start + DESCRIPTION) == id(array.dtype)
        and bool(flags & C_CONTIGUOUS) == array.flags.c_contiguous
        and bool(flags & ALIGNED) == array.flags.aligned
        and bool(flags & WRITEABLE) == array.flags.writeable
        and word(start + WEAK) == 0
        and sys.getrefcount(array) - half(start) in (0, 1)  # its own argument, which newer Pythons borrow
    )


@cache
def numpy_table() -> int:
    """The address of NumPy's table of C functions."""
    capsule = np._core._multiarray_umath._ARRAY_API  # type: ignore[attr-defined]
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return get(capsule, None)


def empty_function() -> int:
    """The address of ``PyArray_Empty(rank, shape, description, fortran)``."""
    return word(numpy_table() + 8 * _EMPTY)


def place(holder: Any, name: str) -> int:
    """The address of the pointer that a ``__slots__`` attribute of an object is kept in.

    >>> class Pair:
    ...     __slots__ = ("left", "right")
    >>> pair = Pair()
    >>> pair.right = "here"
    >>> word(place(pair, "right")) == id(pair.right)
    True

    Raises:
        TypeError: the attribute is not kept in a slot.
    """
    member = getattr(type(holder), name, None)
    if type(member).__name__ != "member_descriptor":
        raise TypeError(f"{type(holder).__name__}.{name} is not kept in a slot")
    address = id(holder) + word(word(id(member) + _MEMBER) + 16)
    if word(address) != id(getattr(holder, name)):
        raise TypeError(f"{type(holder).__name__}.{name} is not where CPython's layout says")
    return address
