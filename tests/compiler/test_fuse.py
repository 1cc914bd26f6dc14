"""What runs together, in which order, and where it is kept."""

import numpy as np
import pytest

from whence.compiler.fuse import Fusion
from whence.compiler.graph import Graph, Value

from .programs import Writing, adam, layer_norm, network, softmax

pytest.importorskip("llvmlite")

from whence.compiler.build import build
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
