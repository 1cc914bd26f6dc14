"""docs/migration.md says what is so."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import pytest

import whence.compat.autograd

from .migration_table import PAGE, TABLE, page

ROWS = [row for rows in TABLE.values() for row in rows]


def resolved(name: str) -> Any:
    """The object that a dotted name stands for; modules are imported on the way."""
    parts = name.split(".")
    found: Any = importlib.import_module(parts[0])
    for i, part in enumerate(parts[1:], 2):
        if not hasattr(found, part):
            importlib.import_module(".".join(parts[:i]))
        found = getattr(found, part)
    return found


def test_the_page_is_the_tables():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.compat.migration_table"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.autograd)
def test_names_are_there(row):
    assert resolved(row.whence) is not None
    assert resolved("whence.compat." + row.autograd) is not None


@pytest.mark.skipif(importlib.util.find_spec("autograd") is None, reason="autograd is not installed")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.autograd)
def test_names_are_autograds(row):
    if row.autograd != "autograd.scipy.misc.logsumexp":  # of older versions
        assert resolved(row.autograd) is not None


def test_every_operator_has_a_row():
    names = {row.autograd.removeprefix("autograd.") for row in ROWS}
    operators = {name for name, f in vars(whence.compat.autograd).items() if callable(f)}
    assert operators - names - {"primitive", "dict", "list", "tuple", "type", "isinstance"} == {
        "make_jvp_reversemode"
    }
