"""Symbolic: what stands for an array while ``compile`` records a program.

The engine handles it as it does an array, by shape, type and NumPy's functions; what it asks of the recorder
(``mode().tracer``) is to let it in where arrays are expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


class Symbolic:
    """The base of ``compiler.traced.Traced``, by which the floors below know one."""

    __slots__ = ()

    if TYPE_CHECKING:  # shape, dtype, NumPy's methods and protocols

        def __getattr__(self, name: str) -> Any: ...
        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any: ...
