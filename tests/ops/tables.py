"""All of the tables that the laws range over: one module for each room of ops."""

from __future__ import annotations

import importlib

from .entries import ENTRIES as ENTRIES
from .examples import EXAMPLES as EXAMPLES

#: Modules of this folder that add their entries and examples to the tables.
ROOMS: list[str] = [
    "fft_table",
    "gather_table",
    "integrate_table",
    "interpolate_table",
    "linalg_table",
    "numpy_table",
]

for _room in ROOMS:
    importlib.import_module(f"{__package__}.{_room}")
