"""The tree that `y.whence()` prints."""

import linecache
import time

import numpy as np

from whence import Function, Variable


class Square(Function):
    def forward(self, x):
        return x**2

    def backward(self, gy):
        return 2 * self.input.data * gy


class Both(Function):
    def forward(self, x):
        return x + 1, x * 2

    def backward(self, g, h):
        return g + 2 * h


def run(source, filename="<stdin>"):
    names = {"np": np, "Variable": Variable}
    exec(compile(source, filename, "exec"), names)
    return names


def test_the_notebooks_tree():
    x = Variable(np.array(0.5), name="x")
    y = Square()(np.exp(Square()(x)))
    lines = y.whence().splitlines()
    column = len("└─ np.exp = 1.2840254166877414   ")
    assert [line[:column].rstrip() for line in lines] == [
        "Square = 1.648721270700128",
        "└─ np.exp = 1.2840254166877414",
        "   └─ Square = 0.25",
        "      └─ input 'x' = 0.5",
    ]
    assert all("test_whence_text.py:" in line[column:] for line in lines)
    assert lines[0].endswith("   y = Square()(np.exp(Square()(x)))")
    assert lines[3].endswith('   x = Variable(np.array(0.5), name="x")')


def test_branches_and_shared_values():
    x = Variable(2.0, name="x")
    y = x * 3
    z = np.multiply(y, y) + np.stack([y, x]).sum()
    lines = z.whence().splitlines()
    assert [line.split(" =")[0] for line in lines] == [
        "np.add",
        "├─ np.multiply",
        "│  ├─ np.multiply",
        "│  │  └─ input 'x'",
        "│  └─ np.multiply",
        "└─ np.sum",
        "   └─ np.concatenate",
        "      ├─ np.reshape",
        "      │  └─ np.multiply",
        "      └─ np.reshape",
        "         └─ input 'x'",
    ]
    assert sum("(see above)" in line for line in lines) == 2


def test_what_lies_deeper_is_counted_once():
    x = Variable(1.0)
    for _ in range(20):
        x = np.sin(x) + np.cos(x)
    lines = x.whence(depth=2).splitlines()
    assert [line.split(" =")[0] for line in lines[:-1]] == [
        "np.add",
        "├─ np.sin",
        "│  └─ np.add",
        "└─ np.cos",
        "   └─ np.add",
    ]
    assert " …  " in lines[2]
    assert lines[-1] == "… and 57 more creators (depth=2)"
    assert x.whence(depth=0).splitlines()[-1] == "… and 60 more creators (depth=0)"
    assert (Variable(1.0) * 2 * 3).whence(depth=1).splitlines()[-1] == "… and 1 more creator (depth=1)"


def test_wide_nodes_show_their_first_inputs():
    y = np.stack([np.sin(Variable(float(k))) for k in range(30)])
    lines = y.whence().splitlines()
    assert len(lines) == 1 + 8 * 3 + 2
    assert lines[-2] == "└─ … 22 more inputs"
    assert lines[-1] == "… and 44 more creators (depth=10)"
    nine = np.stack([Variable(float(k)) for k in range(9)]).whence()
    assert "more inputs" not in nine
    assert len(nine.splitlines()) == 1 + 9 * 2


def test_the_whole_text_is_limited():
    values = [Variable(1.0) * 2 for _ in range(8)]
    for _ in range(6):
        values = [a * b for a in values[:8] for b in values[:3]][:24]
    text = np.stack(values).sum().whence(depth=50)
    assert len(text.splitlines()) <= 201


def test_large_graphs_take_linear_time():
    def seconds(length):
        x = y = Variable(1.0)
        for _ in range(length):
            y = np.stack([y, y * 1.0, x, x]).mean()
        start = time.perf_counter()
        text = y.whence(depth=6)
        took = time.perf_counter() - start
        assert len(text) < 20_000
        return took

    seconds(100)
    assert seconds(5000) < 60 * max(seconds(500), 1e-3)  # 10 if linear, 100 if quadratic


def test_values_of_every_kind():
    def value(v):
        return v.whence().split(" = ", 1)[1].split("   ")[0]

    assert value(Variable(2.0)) == "2.0"
    assert value(Variable(np.float32(2.0))) == "2.0 float32"
    assert value(Variable(3)) == "3 int64"
    assert value(Variable(1 + 2j)) == "(1+2j) complex128"
    assert value(Variable(np.array([1.0, 1 / 3]))) == "(2,) [1, 0.3333]"
    assert (
        value(Variable(np.array([[1.0, 2.0], [3.0, 4.0]], np.float32))) == "(2, 2) float32 [[1, 2], [3, 4]]"
    )
    assert value(Variable(np.arange(6).reshape(2, 3))) == "(2, 3) int64 [0, 1, 2, …]"
    assert value(Variable(np.zeros((0, 3)))) == "(0, 3) []"
    assert value(Variable(np.full(5, np.nan))) == "(5,) [nan, nan, nan, …]"
    assert value(Variable(np.array([True, False]))) == "(2,) bool [True, False]"
    big = (Variable(np.ones(10_000)) * 2 + 1).whence()
    assert "np.multiply = (10000,) (value not kept)" in big


def test_names_may_hold_anything():
    text = (Variable(1.0, name='a "b"\nc') * 2).whence()
    assert len(text.splitlines()) == 2
    assert r"""input 'a "b"\nc' = 1.0""" in text


def test_several_outputs_are_numbered():
    a, b = Both()(Variable(2.0))
    assert [line.split(" =")[0] for line in (a * b).whence().splitlines()] == [
        "np.multiply",
        "├─ Both[0]",
        "│  └─ input",
        "└─ Both[1]",
    ]
    assert "(see above)" in (a * b).whence().splitlines()[-1]


def test_statements_over_several_lines_name_the_line_of_each_op():
    names = run("x = Variable(1.0)\ny = (np.sin(x)\n     + np.cos(x)\n     * 2)\n", "model.py")
    places = [line.split()[-1] for line in names["y"].whence().splitlines()]
    assert places[:2] == ["model.py:2", "model.py:2"]
    assert "model.py:3" in places[3:]


def test_sources_that_nobody_kept():
    names = run("x = Variable(1.0)\ny = np.sin(x)\n")
    assert names["y"].whence().splitlines() == [
        "np.sin = 0.8414709848078965   <stdin>:2",
        "└─ input = 1.0                <stdin>:1",
    ]


def test_long_lines_are_cut():
    names = run(f"y = Variable(1.0){' + 1e-300' * 40}\n", __file__ + ".not there")
    linecache.cache[__file__ + ".not there"] = (0, None, ["y = " + "x" * 300], "")
    long = names["y"]
    assert max(map(len, long.whence().splitlines())) < 72 + 3 + 101


def test_an_input_alone():
    assert Variable(1.0, name="x").whence().startswith("input 'x' = 1.0   ")
