"""to_dot: Graphviz source, read back here with a small reader of our own."""

import re
import time

import numpy as np
import pytest

import whence
from whence import Function, Variable, to_dot
from whence.errors import DtypeError

SHAPE = re.compile(
    r'  ([vf]\d+) \[shape=(ellipse|box), style=\S+, fillcolor="(#\w+)", label="((?:[^"\\]|\\.)*)"\];'
)
ARROW = re.compile(r"  ([vf]\d+) -> ([vf]\d+);")
INPUT, MADE = "#ffe9b8", "#f4f4f4"


def read(source):
    """Shapes by name as (kind, colour, label), and arrows; every line must be understood."""
    first, head, *lines, last = source.split("\n")
    assert (first, last) == ("digraph whence {", "}")
    assert head.startswith("  rankdir=BT; node [")
    shapes, arrows = {}, []
    for line in lines:
        shape, arrow = SHAPE.fullmatch(line), ARROW.fullmatch(line)
        assert shape or arrow, line
        if shape:
            assert shape[1] not in shapes
            shapes[shape[1]] = shape[2], shape[3], shape[4]
        else:
            arrows.append((arrow[1], arrow[2]))
    for pair in arrows:
        assert set(pair) <= set(shapes)
        assert {shapes[name][0] for name in pair} == {"box", "ellipse"}
    return shapes, arrows


class Both(Function):
    def forward(self, x, y):
        return x + y, x * y

    def backward(self, g, h):
        x, y = (v.data for v in self.inputs)
        return g + h * y, g + h * x


def labels(source, kind):
    return [label for shape, _, label in read(source)[0].values() if shape == kind]


def test_a_small_graph():
    x = Variable(2.0, name="x")
    y = np.exp(np.multiply(x, x))
    shapes, arrows = read(to_dot(y, lines=False))
    assert list(shapes.values()) == [
        ("ellipse", INPUT, "x = 2.0"),
        ("box", "#cfe3f7", "np.multiply"),
        ("ellipse", MADE, "4.0"),
        ("box", "#cfe3f7", "np.exp"),
        ("ellipse", MADE, str(y)),
    ]
    assert arrows == [("v0", "f1"), ("v0", "f1"), ("f1", "v2"), ("v2", "f3"), ("f3", "v4")]


def test_lines_and_values_can_be_left_out():
    y = np.sum(Variable(np.ones((2, 3)), name="w"))
    assert re.fullmatch(r"np\.sum\\n\S*test_dot\.py:\d+", labels(to_dot(y), "box")[0])
    assert labels(to_dot(y, values=False, lines=False), "box") == ["np.sum"]
    assert labels(to_dot(y, values=False), "ellipse") == ["w", "()"]
    assert labels(to_dot(y), "ellipse") == ["w = (2, 3) [1, 1, 1, …]", "6.0"]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ('say "x"', r"say \"x\" = 1.0"),
        ("two\nlines", r"two\nlines = 1.0"),
        ("back\\slash", r"back\\slash = 1.0"),
        ("θ → 日本 🎉", "θ → 日本 🎉 = 1.0"),
        ('"];\nv0 -> v0; \\', r"\"];\nv0 -> v0; \\ = 1.0"),
        ("<b>", "<b> = 1.0"),
        ("", " = 1.0"),
    ],
)
def test_names_are_escaped(name, label):
    assert labels(to_dot(Variable(1.0, name=name) * 2), "ellipse")[0] == label


def test_several_outputs_share_their_graph():
    x = Variable(2.0, name="x")
    y = x * 2
    a, b = np.sin(y), np.cos(y)
    shapes, arrows = read(to_dot(a, b, y, lines=False))
    assert [label for kind, _, label in shapes.values() if kind == "box"] == [
        "np.multiply",
        "np.sin",
        "np.cos",
    ]
    assert len(arrows) == 6


def test_functions_with_several_outputs():
    a, _b = Both()(Variable(2.0), Variable(3.0))
    shapes, arrows = read(to_dot(a * 1.0, lines=False))
    (box,) = [name for name, (kind, _, label) in shapes.items() if label == "Both"]
    assert [shapes[end][2] for start, end in arrows if start == box] == ["5.0", "6.0"]
    assert [shapes[start][2] for start, end in arrows if end == box] == ["2.0", "3.0"]


def test_a_variable_alone_and_no_variable():
    assert labels(to_dot(Variable(2.0, name="x")), "ellipse") == ["x = 2.0"]
    assert read(to_dot()) == ({}, [])
    shapes, arrows = read(to_dot(Variable(1.0), whence.grad(np.sin)(Variable(0.0)).detach()))
    assert (len(shapes), arrows) == (2, [])


def test_unchained_values_are_inputs():
    x = Variable(2.0)
    y = x * 3
    z = y * 1.0
    y.unchain()
    shapes, _ = read(to_dot(z, lines=False))
    assert [(colour, label) for kind, colour, label in shapes.values() if kind == "ellipse"] == [
        (INPUT, "6.0"),
        (MADE, "6.0"),
    ]
    a, b = Both()(Variable(2.0), Variable(3.0))
    c = a * b
    a.unchain()
    shapes, _ = read(to_dot(c, lines=False))
    assert len([1 for kind, _, _ in shapes.values() if kind == "box"]) == 2


def test_values_that_were_not_kept():
    y = np.sum(np.exp(Variable(np.ones(10_000)) * 2) * 2)
    assert "" in labels(to_dot(y), "ellipse")  # nobody holds it, no gradient needs it
    read(to_dot(y))


def chain(length):
    x = y = Variable(1.0)
    for _ in range(length):
        y = y + x
    return y


def test_large_graphs_take_linear_time_and_no_recursion():
    def seconds(length):
        y = chain(length)
        outputs = [y] + [y * k for k in range(length // 2)]
        start = time.perf_counter()
        source = to_dot(*outputs)
        took = time.perf_counter() - start
        assert source.count("shape=box") == length + length // 2
        return took

    seconds(100)
    assert seconds(10_000) < 60 * max(seconds(1000), 0.01)  # 10 if linear, 100 if quadratic


def test_something_else_is_refused():
    with pytest.raises(DtypeError, match="to_dot draws Variables, not a float"):
        to_dot(1.0)
