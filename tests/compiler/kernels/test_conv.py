"""Native convolutions against the same in float64 by NumPy, over a table of geometries."""

import os
import threading
from typing import Any

import numpy as np
import pytest

import whence
import whence.nn.functional as F
from whence.ops import conv as op
from whence.ops import served
from whence.ops.window import Window

llvm = pytest.importorskip("whence.compiler.llvm", exc_type=ImportError)
native = pytest.importorskip("whence.compiler.kernels", exc_type=ImportError)
kernels = pytest.importorskip("whence.compiler.kernels.conv", exc_type=ImportError)


def plain(*size: int, k: Any, s: int = 1, p: Any = 0, d: int = 1) -> Window:
    """A window over images of this size."""
    kernel = (k,) * len(size) if isinstance(k, int) else k
    pair = p if isinstance(p, tuple) else (p, p)
    one = (1,) * len(size)
    return Window(size, kernel, tuple(s * n for n in one), (pair,) * len(size), tuple(d * n for n in one))


#: images, channels, outputs, groups, window
TABLE = {
    "one channel": (4, 1, 32, 1, plain(12, 11, k=3)),
    "plain": (4, 32, 64, 1, plain(9, 9, k=3)),
    "border": (4, 16, 33, 1, plain(7, 9, k=3, p=1)),
    "strided": (2, 8, 70, 1, plain(15, 14, k=3, s=2, p=1)),
    "dilated": (2, 5, 17, 1, plain(16, 15, k=3, d=2, p=(1, 2))),
    "taps 5": (3, 6, 16, 1, plain(12, 12, k=5)),
    "pointwise": (8, 48, 40, 1, plain(4, 4, k=1)),
    "small images": (16, 64, 130, 1, plain(2, 2, k=3, p=1)),
    "one image": (1, 20, 10, 1, plain(7, 7, k=3, p=1)),
    "groups": (4, 32, 64, 4, plain(8, 8, k=3, p=1)),
    "depthwise": (3, 20, 20, 20, plain(9, 8, k=3, p=1)),
    "depthwise, strided": (2, 16, 16, 16, plain(9, 8, k=(3, 2), s=2, p=(0, 1))),
    "depthwise, many": (2, 8, 16, 8, plain(6, k=3)),
    "deep": (2, 100, 24, 1, plain(6, 6, k=(3, 2), p=1)),
    "line": (4, 16, 24, 1, plain(60, k=5, s=2, p=2)),
    "volume": (2, 4, 20, 1, plain(5, 6, 7, k=2, p=1)),
    "one large image": (1, 9, 80, 1, plain(40, 40, k=3, p=1)),
    "many weights": (2, 64, 80, 1, plain(4, 4, k=3, p=1)),
    "cut off": (2, 16, 20, 1, plain(9, 9, k=3, p=(-1, -1))),
}
LEVELS = ["host", "avx2", "generic"]


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Kernels made for each level of registers that the machine has."""
    if request.param != "host":
        try:
            made_for = llvm.target(request.param)
        except ValueError as error:
            pytest.skip(str(error))
        monkeypatch.setattr(llvm, "host", lambda: made_for)
    return request.param


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small."""
    monkeypatch.setattr(op, "SMALL", 0)
    monkeypatch.setattr(op, "FEW", 0)
    monkeypatch.setattr(kernels, "WORK", 1 << 10)


def operands(name: str, dtype: Any, order: str = "last") -> tuple[Any, Any, Any, Any, dict[str, Any]]:
    """x, w, b and g of a row of the table; channels last in memory, or in the order of their axes."""
    n, c, o, groups, window = TABLE[name]
    rng = np.random.default_rng(len(name))
    shapes = (n, *window.size, c), (n, *window.counts, o)
    x, g = (np.moveaxis(rng.normal(size=shape).astype(dtype), -1, 1) for shape in shapes)
    if order == "first":
        x, g = np.ascontiguousarray(x), np.ascontiguousarray(g)
    w = rng.normal(size=(o, c // groups, *window.kernel)).astype(dtype)
    return x, w, rng.normal(size=o).astype(dtype), g, {"window": window, "groups": groups}


def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy's path from here on."""
    nothing: dict[str, Any] = {}
    monkeypatch.setattr(served, "kernels", lambda: nothing)
    monkeypatch.setattr(op, "kernels", lambda: nothing)


def three(x: Any, w: Any, b: Any, g: Any, how: Any) -> list[Any]:
    """The convolution and its two gradients."""
    return [op._convolved(x, w, b, **how), op._transposed(g, w, **how), op._kernel(x, g, **how)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TABLE)
@pytest.mark.usefixtures("always")
def test_bound(name: str, dtype: Any, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """|error| ≤ k·eps·Σ|x||w| for sums of k products."""
    x, w, b, g, how = operands(name, dtype)
    found = three(x, w, b, g, how)
    without(monkeypatch)
    exact = np.longdouble if dtype is np.float64 else np.float64
    x, w, b, g = (np.asarray(v, exact) for v in (x, w, b, g))
    wanted, sizes = three(x, w, b, g, how), three(abs(x), abs(w), abs(b), abs(g), how)
    pixels = g.size // g.shape[1]
    counts = w[0].size + 1, w.size // w.shape[1] + 1, pixels + 1
    for got, right, size, count in zip(found, wanted, sizes, counts, strict=True):
        assert got.shape == right.shape and got.dtype == dtype
        assert np.all(abs(got - right) <= count * np.finfo(dtype).eps * size)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.usefixtures("always")
def test_served(name: str) -> None:
    """The kernels are what ran."""
    x, w, b, _, how = operands(name, np.float32)
    y = np.empty((len(x), *how["window"].counts, len(w)), np.float32)
    wanted = None if name == "cut off" else True
    if how["groups"] == 1:
        assert native.served()["convolution"](y, np.moveaxis(x, 1, -1), w, b, how["window"]) is wanted


@pytest.mark.parametrize(
    "name", ["border", "groups", "depthwise", "small images", "line", "one large image", "many weights"]
)
@pytest.mark.usefixtures("always")
def test_threads(name: str) -> None:
    """The same bits for any number of threads."""
    operand = operands(name, np.float32)
    with whence.threads(1):
        alone = three(*operand)
    for count in (2, 3):
        with whence.threads(count):
            again = three(*operand)
        assert all(np.array_equal(a, b) for a, b in zip(alone, again, strict=True))


@pytest.mark.usefixtures("always")
def test_layouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels first, every second image, turned round, read only: what kernels do not take, NumPy does."""
    x, w, b, g, how = operands("border", np.float64)
    wanted = three(x, w, b, g, how)
    double = np.repeat(x, 2, 0), np.repeat(g, 2, 0)
    for xs, gs in (
        (np.ascontiguousarray(x), np.ascontiguousarray(g)),
        (double[0][::2], double[1][::2]),
        (x[::-1].copy("K")[::-1], g[:, ::-1].copy("K")[:, ::-1]),
        (x[..., ::-1].copy()[..., ::-1], np.asfortranarray(g)),
    ):
        xs.flags.writeable = gs.flags.writeable = False
        for got, right in zip(three(xs, w, b, gs, how), wanted, strict=True):
            np.testing.assert_allclose(got, right, rtol=1e-12, atol=1e-12)
    byte = np.zeros(w.nbytes + 1, np.uint8)
    odd = byte[1:].view(np.float64).reshape(w.shape)
    odd[...] = w
    np.testing.assert_allclose(op._convolved(x, odd, b, **how), wanted[0], rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("always")
def test_others() -> None:
    """Half precision, integers, mixed and complex numbers, and nothing at all go NumPy's way."""
    x, w, b, g, how = operands("plain", np.float32)
    wanted = three(x, w, b, g, how)[0]
    for kind in (np.float16, np.complex64):
        assert op._convolved(x.astype(kind), w.astype(kind), **how).dtype == kind
    mixed = op._convolved(x, w.astype(np.float64), b, **how)
    assert mixed.dtype == np.float64
    np.testing.assert_allclose(mixed, wanted, rtol=1e-3, atol=1e-3)
    assert op._convolved(x[:0], w, b, **how).shape == (0, *wanted.shape[1:])
    assert not op._kernel(x[:0], g[:0], **how).any()


@pytest.mark.parametrize("weight", [1.0, np.inf])
@pytest.mark.parametrize("name", ["border", "depthwise"])
@pytest.mark.usefixtures("always")
def test_specials(name: str, weight: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN and infinities reach the same elements as by NumPy; zeros of a border meet those of the kernel."""
    x, w, b, g, how = operands(name, np.float32)
    x[1, 2, 3, 4], x[2, 1, 0, 0], g[0, 0, 1, 1], w[5, 0, 1, 1] = np.nan, np.inf, -np.inf, weight
    x[0] = 0.0
    with np.errstate(invalid="ignore"):
        found = three(x, w, b, g, how)
        without(monkeypatch)
        wanted = three(x, w, b, g, how)
    for got, right in zip(found, wanted, strict=True):
        assert np.array_equal(np.isnan(got), np.isnan(right))
        assert np.array_equal(np.isposinf(got), np.isposinf(right))
        assert np.array_equal(np.isneginf(got), np.isneginf(right))


@pytest.mark.usefixtures("always")
def test_every_order() -> None:
    """First and second gradients, and many examples at once, by finite differences and one by one."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 3, 6, 5)), rng.normal(size=(9, 3, 3, 3))

    def loss(x: Any, w: Any) -> Any:
        return np.sum(np.tanh(F.conv2d(x, w, padding=1, stride=2)) ** 2)

    whence.testing.check_gradient(loss, x, w, order=2)
    xs = rng.normal(size=(4, 2, 3, 6, 5))
    each = np.stack([F.conv2d(part, w, padding=1) for part in xs])
    np.testing.assert_allclose(whence.vmap(lambda x: F.conv2d(x, w, padding=1))(xs), each, rtol=1e-12)


@pytest.mark.usefixtures("always")
def test_many_callers() -> None:
    """Threads of Python's that convolve at once have what each would have alone."""
    operand = operands("border", np.float32)
    wanted = three(*operand)
    right = []

    def work() -> None:
        for _ in range(20):
            again = three(*operand)
            right.append(all(np.array_equal(a, b) for a, b in zip(wanted, again, strict=True)))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(right) == 80 and all(right)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.usefixtures("always")
def test_fork() -> None:
    """A child has no workers of its parent's, and the same results."""
    operand = operands("border", np.float32)
    wanted = three(*operand)
    child = os.fork()
    if child == 0:
        again = three(*operand)
        os._exit(0 if all(np.array_equal(a, b) for a, b in zip(wanted, again, strict=True)) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
