"""Joins: arrays side by side and into one another give what NumPy gives, without a call of Python's."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whence.compiler.graph import Graph
from whence.compiler.interpret import Interpreter
from whence.compiler.words import getitem, index_add, index_set, placed

from .programs import Writing

pytest.importorskip("llvmlite")

from whence.compiler.build import build
from whence.compiler.native.program import Step

DTYPES = ["f4", "f8", "f2", "c8", "c16", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]

INDICES: list[tuple[tuple[int, ...], Any]] = [
    ((7,), slice(1, None)),
    ((7,), slice(None, None, -1)),
    ((7,), slice(5, 0, -2)),
    ((7,), slice(3, 3)),
    ((7,), -2),
    ((4, 5), (slice(1, 3), slice(None, None, 2))),
    ((4, 5), (slice(None, None, -2), 3)),
    ((4, 5), (Ellipsis, None, slice(1, 4))),
    ((4, 5), ()),
    ((1, 6, 1), (0, slice(None, None, -1))),
    ((3, 2, 40), (slice(1, 2), slice(None), slice(2, 39))),
    ((0, 3), (slice(None), slice(1, 2))),
    ((2, 3, 4), (1, 2, 3)),
]


def numbers(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Any:
    """Of both signs, zeros of both signs, and NaN and infinity where there are such."""
    x = np.random.default_rng(seed).integers(-9, 9, shape).astype(dtype)
    if x.dtype.kind in "fc" and x.size > 3:
        x.flat[:3] = [-0.0, np.nan, -np.inf]
    return x


def same(graph: Graph, inputs: list[Any]) -> None:
    """Kernels give the bits that NumPy gives, twice, and call nothing of Python's."""
    run = build(graph)
    called = [s for s in run.program.launches if isinstance(s, Step)]  # type: ignore[attr-defined]
    assert not called, called
    with np.errstate(all="ignore"):
        wanted = Interpreter(graph)(inputs)
    for _ in range(2):
        for value, x, y in zip(graph.outputs, run(inputs), wanted, strict=True):
            assert np.asarray(x).dtype == value.dtype and np.shape(x) == value.shape
            x, y = np.asarray(x), np.asarray(y)
            if any(node.function is placed for node in graph.nodes):
                x, y = x + x.dtype.type(0), y + y.dtype.type(0)  # zeros of one sign
            assert x.tobytes() == y.tobytes(), f"{x}\n{y}\n{graph}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_side_by_side(dtype: str) -> None:
    for shape in ((5,), (1,), (0,), (3, 4), (3, 1, 33), (2, 300)):
        for axis in range(len(shape)):
            w = Writing()
            a, b, c = w.take(*shape, dtype=dtype), w.take(*shape, dtype=dtype), w.take(*shape, dtype="i1")
            part = w(getitem, b, (slice(None),) * axis + (slice(None, None, -2),))
            both = w(np.concatenate, [a, part, a], axis=axis)
            mixed = w(np.concatenate, [c, b], axis=axis) if dtype not in ("f2", "c8", "c16") else both
            again = w(np.concatenate, [both, a], axis=axis)
            inputs = [numbers(shape, dtype, seed) for seed in (0, 1)] + [numbers(shape, "i1", 2)]
            same(w.graph(both, mixed, again), inputs)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "index"), INDICES, ids=str)
def test_written_at_slices(shape: tuple[int, ...], index: Any, dtype: str) -> None:
    window = np.zeros(shape)[index].shape
    for values in {window, window[1:], (), (1,) * len(window)}:
        w = Writing()
        x, v = w.take(*shape, dtype=dtype), w.take(*values, dtype=dtype)
        found = [w(index_set, x, index, v)]
        if np.dtype(dtype).kind not in "c" and dtype != "f2":
            found.append(w(index_add, x, index, v))
            found.append(w(index_set, x, index, w(np.logical_not, v)))
        same(w.graph(*found), [numbers(shape, dtype, 0), numbers(values, dtype, 1)])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "index"), INDICES, ids=str)
def test_zeros_around(shape: tuple[int, ...], index: Any, dtype: str) -> None:
    w = Writing()
    window = np.zeros(shape)[index].shape
    v, u = w.take(*window, dtype=dtype), w.take(*shape, dtype=dtype)
    found = [w(placed, [v], (index,), shape, np.dtype(dtype))]
    if dtype not in ("c8", "c16", "f2"):
        found.append(w(placed, [v, u, v], (index, Ellipsis, index), shape, np.dtype(dtype)))
    same(w.graph(*found), [numbers(window, dtype, 0), numbers(shape, dtype, 1)])


@pytest.mark.parametrize("dtype", ["f8", "u1", "?", "c16"])
def test_shapes_that_only_a_copy_has(dtype: str) -> None:
    w = Writing()
    x = w.take(6, 4, 10, dtype=dtype)
    turned = w(np.reshape, w(np.transpose, x, (2, 0, 1)), (12, 20))
    wide = w(
        np.reshape, w(np.broadcast_to, w(getitem, x, (slice(None, None, -1), 0, None)), (6, 3, 10)), (18, 10)
    )
    same(w.graph(turned, wide), [numbers((6, 4, 10), dtype)])


@pytest.mark.parametrize("axis", [0, 1])
def test_what_loops_compute_for_a_join_is_written_there(axis: int) -> None:
    w = Writing()
    x, y = w.take(40, 64), w.take(40, 64)
    e = w(np.exp, x)
    total = w(np.sum, e, axis=(1,), keepdims=True)
    joined = w(np.concatenate, [w(np.multiply, x, y), w(np.divide, e, total)], axis=axis)
    sums = w(np.concatenate, [total, w(np.sum, y, axis=(1,), keepdims=True)], axis=axis)
    inside = w(index_set, w(np.negative, y), (slice(2, 4),), np.float32(3))
    graph = w.graph(joined, sums, w(np.add, inside, x), w(np.sum, joined, axis=(0,)))
    run = build(graph)
    assert len(run.moved) >= 3  # type: ignore[attr-defined]
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(40, 64)).astype(np.float32) for _ in range(2)]
    for found, wanted in zip(run(inputs), Interpreter(graph)(inputs), strict=True):
        np.testing.assert_allclose(found, wanted, 2e-6, 2e-6)


def test_a_part_that_something_else_takes_is_kept() -> None:
    w = Writing()
    x = w.take(100)
    e, f = w(np.negative, x), w(np.absolute, x)
    twice, whole = w(np.concatenate, [e, e], axis=0), w(np.concatenate, [f, x], axis=0)
    same(w.graph(twice, whole, f), [numbers((100,), "f4")])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_random_joins(data: st.DataObject) -> None:
    w = Writing()
    values = [w.take(4, 6), w.take(4, 6), w.take(4, 1)]
    lengths = st.integers(-7, 7)
    slices = st.builds(slice, lengths | st.none(), lengths | st.none(), st.sampled_from([None, 1, 2, -1, -3]))
    for _ in range(data.draw(st.integers(1, 12))):
        kind = data.draw(st.sampled_from(["join", "set", "add", "slice", "negate", "multiply", "turn"]))
        x, y = (data.draw(st.sampled_from(values)) for _ in range(2))
        index = data.draw(st.tuples(slices, slices))
        try:
            if kind == "join":
                values.append(w(np.concatenate, [x, y], axis=data.draw(st.integers(0, 1))))
            elif kind in ("set", "add"):
                values.append(w(index_set if kind == "set" else index_add, x, index, w(getitem, y, index)))
            elif kind == "slice":
                values.append(w(getitem, x, index))
            elif kind == "multiply":
                values.append(w(np.multiply, x, y))
            elif kind == "turn":
                values.append(w(np.reshape, w(np.transpose, x, (1, 0)), x.shape))
            else:
                values.append(w(np.negative, x))
        except ValueError:  # shapes that do not go together
            continue
    picked = data.draw(st.lists(st.sampled_from(values), min_size=1, max_size=4))
    graph = w.graph(*picked)
    same(graph, [numbers(v.shape, v.dtype, seed) for seed, v in enumerate(graph.inputs)])


@pytest.mark.parametrize("rows", [1, 5, 24])
def test_products_are_stored_as_their_reader_takes_them(rows: int) -> None:
    w = Writing()
    a, b, c = w.take(3, rows, 7, dtype="f8"), w.take(3, 7, 10, dtype="f8"), w.take(rows, 3, 10, dtype="f8")
    turned = w(np.transpose, w(np.matmul, a, b), (1, 0, 2))
    whole = w(np.matmul, a, w(np.add, b, 1.0))  # another one reads it too: stored as it is
    graph = w.graph(turned, w(np.add, turned, c), w(np.transpose, whole, (1, 0, 2)), w(np.negative, whole))
    inner = Writing()
    n, m = inner.take(3, rows, 7, dtype="i8"), inner.take(3, 7, 10, dtype="i8")
    called = inner.graph(inner(np.transpose, inner(np.matmul, n, m), (1, 0, 2)))  # a call of NumPy's
    for program in (graph, called):
        inputs = [np.random.default_rng(0).integers(-5, 5, v.shape).astype(v.dtype) for v in program.inputs]
        for _ in range(2):
            for found, wanted in zip(build(program)(inputs), Interpreter(program)(inputs), strict=True):
                np.testing.assert_array_equal(found, wanted)
