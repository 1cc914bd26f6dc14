"""What runs together, in which order, and where it is kept."""

import numpy as np
import pytest

from whence.compiler import words
from whence.compiler.fuse import Fusion
from whence.compiler.graph import Graph, Node, Value

from .programs import Writing, adam, layer_norm, network, softmax

pytest.importorskip("llvmlite")

from whence.compiler.build import build
from whence.compiler.native.program import Step
from whence.compiler.plan import arrange


def kinds(graph: Graph) -> list[str]:
    return [group.kind for group in Fusion(graph).order]


def test_rows_and_what_follows_on_them_are_one_group() -> None:
    assert kinds(softmax(40, 10)) == kinds(layer_norm(40, 10)) == kinds(adam(7)) == ["loop"]


def test_products_stand_between_loops() -> None:
    found = kinds(network(6))
    assert (
        found.count("product") == 3 and "call" not in found and found.index("product") < found.index("loop")
    )


@pytest.mark.parametrize(
    "graph", [softmax(5, 4), layer_norm(5, 4), adam(9), network(5)], ids=lambda g: str(len(g))
)
def test_every_call_is_in_one_group_after_those_that_it_takes_from(graph: Graph) -> None:
    fusion = Fusion(graph)
    known = set(graph.inputs) | set(graph.constants)
    for group in fusion.order:
        for node in group.nodes:
            for value in node.operands:
                assert fusion.layouts.of(value).base in known
            known.update(node.outputs)
    placed = [node for group in fusion.order for node in group.nodes]
    assert len(placed) == len(set(placed))
    assert all(node.output in fusion.layouts for node in graph.nodes if node not in placed)


def test_a_group_never_waits_for_itself() -> None:
    w = Writing()
    x = w.take(8, 8)
    y = w(np.exp, x)
    z = w(np.matmul, y, y)  # of a higher level than y's group
    graph = w.graph(w(np.add, y, z))
    assert kinds(graph) == ["loop", "product", "loop"]


def test_what_only_a_later_kernel_takes_is_computed_there() -> None:
    w = Writing()
    moment, a, b = w.take(6, 6), w.take(6, 6), w.take(6, 6)
    decayed = w(np.multiply, moment, np.float32(0.9))
    graph = w.graph(w(np.add, decayed, w(np.matmul, a, b)))
    assert kinds(graph) == ["product", "loop"]
    w = Writing()
    moment, b = w.take(6, 6), w.take(6, 6)
    decayed = w(np.multiply, moment, np.float32(0.9))  # the product takes it too
    assert kinds(w.graph(w(np.add, decayed, w(np.matmul, decayed, b)))) == ["loop", "product", "loop"]


def test_a_program_is_left_without_python_where_all_is_well() -> None:
    w = Writing()
    x = w.take(5)
    bad = w(np.any, w(np.less, x, np.float32(0)))
    nodes = w.graph(w(np.sqrt, x))
    leave = Node(words.depart_if, (bad,), {}, (), pure=False)
    run = build(Graph(nodes.inputs, nodes.constants, (*nodes.nodes, leave), nodes.outputs))
    (step,) = [s for s in run.program.launches if isinstance(s, Step)]  # type: ignore[attr-defined]
    assert step.when
    good = np.ones(5, np.float32)
    for _ in range(3):
        assert np.array_equal(run([good])[0], good)
        with pytest.raises(words.Departed):
            run([-good])


def test_steps_of_one_form_share_a_kernel_and_memory() -> None:
    w = Writing()
    h, a = w.take(6, 6), w.take(6, 6)
    for _ in range(20):
        h = w(np.tanh, w(np.add, w(np.matmul, h, a), np.float32(1)))
    run = build(w.graph(h))
    loops = [launch for launch in run.program.launches if launch.name.startswith("loop")]  # type: ignore[attr-defined]
    assert len(loops) == 20 and len({launch.kernel for launch in loops}) == 1
    assert run.arena.nbytes <= 3 * 192  # type: ignore[attr-defined]


def test_values_that_live_together_lie_apart() -> None:
    rng = np.random.default_rng(0)
    spans = {}
    for birth in range(60):
        spans[Value((int(rng.integers(1, 90)),), np.float64)] = (birth, birth + int(rng.integers(0, 9)))
    places, size = arrange(spans)
    for a, (birth, death) in spans.items():
        assert places[a] % 64 == 0 and places[a] + a.nbytes <= size
        for b, (other, end) in spans.items():
            if a is not b and birth <= end and other <= death:
                assert places[a] + a.nbytes <= places[b] or places[b] + b.nbytes <= places[a]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8])
@pytest.mark.parametrize("index", [np.int64, np.int32])
@pytest.mark.parametrize(
    ("table", "indices"), [((7,), (5,)), ((7, 3), (4, 2)), ((9, 37), (20,)), ((3, 2, 16), (6,))]
)
def test_rows_by_number(dtype: type, index: type, table: tuple[int, ...], indices: tuple[int, ...]) -> None:
    w = Writing()
    x, i = w.take(*table, dtype=dtype), w.take(*indices, dtype=index)
    g = w.take(*indices, *table[1:], dtype=dtype)
    taken = w(words.getitem, x, i)
    added = w(words.index_add, x, i, w(np.multiply, g, g))
    run = build(w.graph(taken, added, w(np.add, taken, g)))
    assert not [s for s in run.program.launches if isinstance(s, Step) and not s.when]  # type: ignore[attr-defined]
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 9, s).astype(dtype) for s in (table, indices + table[1:]))
    at = rng.integers(-table[0], table[0], indices).astype(index)
    wanted = (a[at], words.index_add(a, at, b * b), a[at] + b)
    for _ in range(2):
        for y, want in zip(run([a, at, b]), wanted, strict=True):
            assert np.array_equal(y, want) and y.dtype == want.dtype
        for wrong in (table[0], -table[0] - 1):
            broken = at.copy()
            broken[-1:] = wrong
            with pytest.raises(IndexError, match="out of bounds"):
                run([a, broken, b])
