"""Kernels give what NumPy gives: every function, type and shape, on every level of vector registers."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whence import config
from whence.compiler.words import astype, full, getitem

from .programs import Writing, adam, layer_norm, network, softmax

llvm = pytest.importorskip("whence.compiler.llvm")
build = pytest.importorskip("whence.compiler.build").build

from whence.compiler.elements import ELEMENTS  # noqa: E402
from whence.compiler.interpret import Interpreter  # noqa: E402
from whence.compiler.reductions import REDUCTIONS  # noqa: E402

LEVELS = ["avx512", "avx2", "generic"]
DTYPES = ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]
SHAPES = [(), (1,), (37,), (3, 70), (0,), (2, 1, 5)]
UFUNCS = [f for f in ELEMENTS if isinstance(f, np.ufunc)]


def target_of(level: str) -> Any:
    try:
        return llvm.target(level)
    except ValueError as error:
        pytest.skip(str(error))


def inputs_of(graph: Any, seed: int = 0) -> list[Any]:
    """Numbers of both signs, zeros, and for floats NaN and infinities."""
    rng, found = np.random.default_rng(seed), []
    for value in graph.inputs:
        if value.dtype.kind == "f":
            x = rng.standard_normal(value.shape).astype(value.dtype)
            special = rng.integers(0, 40, value.shape)
            for number, at in zip((0.0, -0.0, np.inf, -np.inf, np.nan), range(5), strict=True):
                x = np.where(special == at, value.dtype.type(number), x)
        elif value.dtype.kind == "b":
            x = rng.integers(0, 2, value.shape).astype(bool)
        else:
            ends = np.iinfo(value.dtype)
            x = rng.integers(max(ends.min, -9), 9, value.shape, value.dtype, endpoint=True)
            x = np.where(rng.integers(0, 12, value.shape) == 0, value.dtype.type(ends.min), x)
        found.append(np.asarray(x, value.dtype))
    return found


def agree(
    graph: Any, inputs: list[Any], target: Any = None, rtol: float = 2e-6, native: bool = True
) -> list[Any]:
    """Kernels and NumPy give the same; what kernels gave."""
    run = build(graph, target)
    if native:
        assert all(group.kind != "call" for group in run.fusion.order), graph
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        wanted, found = Interpreter(graph)(inputs), run(inputs)
        again = run(inputs)
    for value, x, y, z in zip(graph.outputs, found, wanted, again, strict=True):
        assert np.asarray(x).dtype == value.dtype and np.shape(x) == value.shape
        np.testing.assert_array_equal(np.asarray(x).tobytes(), np.asarray(z).tobytes())
        if value.dtype.kind == "f":
            rtol = rtol if value.dtype == np.float32 else 1e-13
            np.testing.assert_allclose(x, y, rtol, rtol, err_msg=str(graph))
        else:
            np.testing.assert_array_equal(x, y, str(graph))
    return found


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("function", UFUNCS, ids=lambda f: f.__name__)
def test_each_function_of_each_type(function: Any, level: str) -> None:
    target = target_of(level)
    for dtype in DTYPES if level == "avx512" else ("f4", "i4", "?"):
        if function is np.power and np.dtype(dtype).kind != "f":
            continue  # refused by NumPy for negative exponents
        w = Writing()
        operands = [w.take(5, 23, dtype=dtype), w.take(23, dtype=dtype)][: function.nin]
        try:
            y = w(function, *operands)
        except TypeError:
            continue
        if np.dtype(dtype).kind != "f" and y.dtype.kind == "f":
            continue
        known = np.dtype(dtype).kind in ELEMENTS[function].takes and y.dtype != np.float16
        agree(w.graph(y), inputs_of(w.graph(y)), target, rtol=4e-6, native=known)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("function", REDUCTIONS, ids=lambda f: f.__name__)
def test_each_reduction(function: Any, axes: tuple[int, ...], level: str) -> None:
    target = target_of(level)
    for dtype in ("f4", "i2", "?"):
        for keepdims in (False, True):
            w = Writing()
            x = w.take(3, 7, 41, dtype=dtype)
            y = w(function, w(np.positive, x) if dtype != "?" else x, axis=axes, keepdims=keepdims)
            agree(w.graph(y), inputs_of(w.graph(y)), target, rtol=1e-5, native=False)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_shape_and_every_conversion(shape: tuple[int, ...]) -> None:
    for dtype in DTYPES:
        w = Writing()
        x = w.take(*shape, dtype="i1")
        y = w(astype, x, np.dtype(dtype))
        z = w(np.where, w(np.greater, x, 0), y, w(full, shape, 1, np.dtype(dtype)))
        agree(w.graph(y, z), inputs_of(w.graph(z)))


@pytest.mark.parametrize("level", LEVELS)
def test_views_are_read_where_they_lie(level: str) -> None:
    w = Writing()
    x, row = w.take(6, 9, 21), w.take(21)
    turned = w(np.transpose, x, (2, 0, 1))
    back = w(getitem, x, (slice(None, None, -2), slice(1, 8), slice(None, None, -1)))
    wide = w(np.broadcast_to, w(np.reshape, row, (1, 21, 1)), (6, 21, 9))
    y = w(np.multiply, turned, w(np.transpose, wide, (1, 0, 2)))
    z = w(np.sum, w(np.add, back, np.float32(1)), axis=(1,))
    s = w(np.sum, w(np.multiply, turned, turned), axis=(2,), keepdims=True)
    flat = w(np.reshape, w(np.transpose, x, (1, 0, 2)), (54, 21))
    agree(w.graph(y, z, s, flat, turned), inputs_of(w.graph(y)), target_of(level), native=False)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("rows, columns", [(1, 1), (7, 13), (64, 128), (3, 5000), (300, 3)])
def test_rows(rows: int, columns: int, level: str) -> None:
    for graph in (softmax(rows, columns), layer_norm(rows, columns)):
        inputs = [np.nan_to_num(x, nan=0.5, posinf=1, neginf=-1) for x in inputs_of(graph)]
        agree(graph, inputs, target_of(level), rtol=2e-4)
    assert len(build(softmax(rows, columns)).fusion.order) == 1
    assert rows == 1 or len(build(layer_norm(rows, columns)).fusion.order) == 1


def test_the_same_bits_for_any_number_of_threads() -> None:
    for graph in (adam(1_000_003), layer_norm(4000, 200), softmax(3000, 300)):
        inputs = [np.abs(x) for x in inputs_of(graph)]
        run, found = build(graph), []
        for count in (1, 2):
            with config.threads(count):
                found.append([np.asarray(x).tobytes() for x in run(inputs)])
        assert found[0] == found[1]


def test_sums_are_as_exact_as_numpys() -> None:
    w = Writing()
    x = w.take(1_000_003)
    graph = w.graph(w(np.sum, x, axis=(0,)))
    rng = np.random.default_rng(1)
    ours = theirs = 0.0
    for _ in range(5):
        numbers = rng.random(1_000_003, dtype=np.float32)
        truth = float(np.sum(numbers, dtype=np.float64))
        ours += abs(float(build(graph)([numbers])[0]) - truth)
        theirs += abs(float(np.sum(numbers)) - truth)
    assert ours <= theirs + 0.5


def test_a_network_and_strange_inputs() -> None:
    graph = network(30)
    inputs = [np.abs(x) for x in inputs_of(graph)]
    inputs = [np.nan_to_num(x, nan=0.5, posinf=1) / 4 for x in inputs]
    agree(graph, inputs, rtol=1e-4)
    run = build(graph)
    strange = [np.repeat(x, 2, -1)[..., ::-2][..., ::-1] for x in inputs]
    raw = np.zeros(inputs[0].nbytes + 1, np.uint8)[1:].view(np.float32).reshape(inputs[0].shape)
    raw[...] = inputs[0]
    strange[0] = raw
    for x, y in zip(run(strange), run(inputs), strict=True):
        np.testing.assert_array_equal(x, y)


def test_calls_stand_between_kernels() -> None:
    w = Writing()
    x = w.take(4, 6)
    y = w(np.cumsum, w(np.multiply, x, np.float32(2)), axis=1)
    z = w(np.sort, w(np.add, y, x), axis=0)
    agree(w.graph(z, y), inputs_of(w.graph(z)), native=False)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_random_programs(data: st.DataObject) -> None:
    w = Writing()
    values = [w.take(4, 5), w.take(5), w.take(4, 1), w.take(4, 5)]
    unary = (np.negative, np.tanh, np.absolute, np.square, np.isnan)
    binary = (np.add, np.subtract, np.multiply, np.maximum, np.less)
    for _ in range(data.draw(st.integers(1, 25))):
        kind = data.draw(st.sampled_from(["unary", "binary", "binary", "sum", "view", "where"]))
        x, y = (data.draw(st.sampled_from(values)) for _ in range(2))
        try:
            if kind == "unary":
                values.append(w(data.draw(st.sampled_from(unary)), x))
            elif kind == "binary":
                values.append(w(data.draw(st.sampled_from(binary)), x, y))
            elif kind == "where":
                values.append(w(np.where, w(np.greater, x, y), x, np.float32(0.5)))
            elif kind == "sum":
                axes = data.draw(st.sets(st.integers(0, x.ndim - 1))) if x.ndim else set()
                if axes:
                    keep = data.draw(st.booleans())
                    values.append(
                        w(data.draw(st.sampled_from((np.sum, np.max))), x, axis=tuple(axes), keepdims=keep)
                    )
            elif x.ndim == 2:
                values.append(w(np.transpose, x, (1, 0)))
            else:
                values.append(w(np.reshape, x, (*x.shape, 1)))
        except (TypeError, ValueError):
            continue
    picked = data.draw(st.lists(st.sampled_from(values), min_size=1, max_size=4))
    graph = w.graph(*picked)
    rng = np.random.default_rng(0)
    agree(
        graph,
        [rng.uniform(-0.3, 0.3, v.shape).astype(v.dtype) for v in graph.inputs],
        rtol=1e-4,
        native=False,
    )
