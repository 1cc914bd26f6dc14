"""Native pooling has the bits of NumPy's path, or those of sums in another order."""

from typing import Any

import numpy as np
import pytest

import whence
from whence.ops import pool as op
from whence.ops import served
from whence.ops.window import Window

llvm = pytest.importorskip("whence.compiler.llvm", exc_type=ImportError)
native = pytest.importorskip("whence.compiler.kernels", exc_type=ImportError)

#: images, channels, window
TABLE = {
    "tiles": (3, 20, Window((6, 8), (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1))),
    "one is left over": (2, 16, Window((7, 5), (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1))),
    "overlapping": (4, 33, Window((9, 9), (3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1))),
    "dilated": (2, 5, Window((9, 10), (2, 3), (1, 2), ((0, 0), (1, 2)), (2, 1))),
    "line": (4, 7, Window((11,), (3,), (3,), ((1, 0),), (1,))),
    "volume": (2, 18, Window((4, 4, 5), (2, 2, 2), (2, 2, 2), ((0, 0), (0, 0), (0, 1)), (1, 1, 1))),
    "cut off": (2, 16, Window((8, 8), (2, 2), (2, 2), ((-1, -1), (-1, -1)), (1, 1))),
}


@pytest.fixture(params=["host", "avx2", "generic"])
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Kernels made for each level of registers that the machine has."""
    if request.param != "host":
        try:
            made_for = llvm.target(request.param)
        except ValueError as error:
            pytest.skip(str(error))
        monkeypatch.setattr(llvm, "host", lambda: made_for)
    return request.param


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small."""
    monkeypatch.setattr(op, "SMALL", 0)


def operands(name: str, dtype: Any, far: bool = False) -> tuple[Any, Any, Window]:
    """x with many ties, g (channels first with ``far``), and the window."""
    n, c, window = TABLE[name]
    rng = np.random.default_rng(len(name))
    x = np.moveaxis(rng.integers(-2, 3, (n, *window.size, c)).astype(dtype), -1, 1)
    g = np.moveaxis(rng.normal(size=(n, *window.counts, c)).astype(dtype), -1, 1)
    return x, np.ascontiguousarray(g) if far else g, window


def four(x: Any, g: Any, window: Window) -> list[Any]:
    """The largest, the sums, and both gradients."""
    y = op._max(x, window=window)
    back = op._unmax(g, x, y, window=window)
    return [y, back, op._sum(x, window=window), op._spread(g, window=window)]


def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy's path from here on."""
    nothing: dict[str, Any] = {}
    monkeypatch.setattr(served, "kernels", lambda: nothing)


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TABLE)
def test_same(name: str, dtype: Any, far: bool, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is chosen is the same; what is added up may be rounded in another order."""
    operand = operands(name, dtype, far)
    found = four(*operand)
    without(monkeypatch)
    wanted = four(*operand)
    taps = operand[2].taps
    for got, right in zip(found, wanted, strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, right, rtol=0, atol=taps * 5 * np.finfo(dtype).eps)
    assert np.array_equal(found[0], wanted[0])
    if operand[2].tiles:
        assert np.array_equal(found[1], wanted[1])


@pytest.mark.parametrize("name", TABLE)
def test_served(name: str) -> None:
    """The kernels are what ran."""
    x, g, window = operands(name, np.float32)
    y, out = np.empty_like(g), np.empty_like(x)
    kernels = native.served()
    assert kernels["max pooling"](y, x, window)
    assert kernels["sum pooling"](y, x, window)
    assert kernels["the gradient of max pooling"](out, g, x, y, window)
    assert kernels["the gradient of sum pooling"](out, g, window)


@pytest.mark.parametrize("name", ["tiles", "overlapping"])
def test_specials(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN is the largest; infinite gradients stay at their place; of zeros of both signs the first counts."""
    x, g, window = operands(name, np.float32)
    x[0, 1, 2, 3], x[1, 2, 0, 0], x[1, 3] = np.nan, np.inf, -np.inf
    x[2, 0] = np.where(x[2, 0] > 0, 0.0, -0.0)
    g[0, 0, 0, 0], g[1, 1, 1, 1] = np.inf, np.nan
    found = four(x, g, window)
    without(monkeypatch)
    for got, right in zip(found, four(x, g, window), strict=True):
        np.testing.assert_allclose(got, right, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", TABLE)
def test_threads(name: str) -> None:
    """The same bits for any number of threads."""
    operand = operands(name, np.float32)
    with whence.threads(1):
        alone = four(*operand)
    with whence.threads(3):
        again = four(*operand)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(alone, again, strict=True))


def test_others() -> None:
    """Other types and orders of axes go NumPy's way."""
    x, g, window = operands("overlapping", np.float64)
    wanted = four(x, g, window)
    assert np.array_equal(op._max(x.astype(np.float16), window=window), wanted[0])
    for x2 in (np.ascontiguousarray(x), x.copy("K")[..., ::-1].copy("K")[..., ::-1]):
        for got, right in zip(four(x2, g, window), wanted, strict=True):
            np.testing.assert_allclose(got, right, rtol=0, atol=1e-13)
    assert op._max(x[:0], window=window).shape == (0, *wanted[0].shape[1:])
