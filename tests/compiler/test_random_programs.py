"""A few random programs; many of them by ``python -m tests.compiler.random_programs 20000``."""

import pytest
from hypothesis import given, settings

from .random_programs import UNCHECKED, Drawn, check, programs

pytest.importorskip("whence.compiler.llvm")


@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=UNCHECKED)
@given(programs())
def test_eager_interpreted_and_native_agree(drawn: Drawn) -> None:
    check(drawn)
