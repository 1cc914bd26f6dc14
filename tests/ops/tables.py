"""All of the tables that the laws range over: one module for each room of ops."""

from __future__ import annotations

import importlib
import pathlib

from .entries import ENTRIES as ENTRIES
from .examples import EXAMPLES as EXAMPLES

#: Modules of this folder that add their entries and examples to the tables.
ROOMS = sorted(path.stem for path in pathlib.Path(__file__).parent.glob("*_table.py"))

for _room in ROOMS:
    importlib.import_module(f"{__package__}.{_room}")
