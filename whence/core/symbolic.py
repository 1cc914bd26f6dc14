"""Symbolic: what stands for an array while ``compile`` records a program.

The engine handles it as it does an array, by shape, type and NumPy's functions; what it asks of the recorder
(``mode().tracer``) is to let it in where arrays are expected.
"""

from __future__ import annotations


class Symbolic:
    """The base of ``compiler.traced.Traced``, by which the floors below know one."""

    __slots__ = ()
