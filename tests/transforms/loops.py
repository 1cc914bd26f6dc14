"""Loops that the tests share: each with arguments, and the same written with Python's own statements."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from whence import cond, scan, while_loop

W = np.random.default_rng(0).normal(size=(3, 3)) * 0.4
ROWS = np.random.default_rng(1).normal(size=(6, 3))


class Case(NamedTuple):
    """A function by whence's loops, and by Python's."""

    name: str
    function: Callable[..., Any]
    plain: Callable[..., Any]
    args: tuple[Any, ...]


def recurrent(w: Any, rows: Any) -> Any:
    """A scan that gives something at each step, and closes over a matrix."""

    def step(h: Any, x: Any) -> Any:
        h = np.tanh(w @ h + x)
        return h, np.sum(h**2)

    h, ys = scan(step, np.ones(3), rows)
    return np.sum(np.sin(ys)) + np.sum(h)


def recurrent_plain(w: Any, rows: Any) -> Any:
    """The same, by ``for``."""
    h, total = np.ones(3), 0.0
    for i in range(len(rows)):
        h = np.tanh(w @ h + rows[i])
        total = total + np.sin(np.sum(h**2))
    return total + np.sum(h)


def backward_sums(x: Any, rows: Any) -> Any:
    """From the last row to the first, with containers and a None."""

    def step(carry: Any, row: Any) -> Any:
        a, n = carry["a"] * x + np.sum(row["r"]), carry["n"] + 1
        return {"a": a, "n": n}, (a * n, None)

    carry, (ys, nothing) = scan(step, {"a": 0.0, "n": 0}, {"r": rows}, reverse=True)
    assert nothing is None
    return np.sum(ys * np.arange(6.0)) + carry["a"]


def backward_sums_plain(x: Any, rows: Any) -> Any:
    """The same, by ``for``."""
    a, total = 0.0, 0.0
    for n, i in enumerate(reversed(range(6)), 1):
        a = a * x + np.sum(rows[i])
        total = total + a * n * i
    return total + a


def root(a: Any) -> Any:
    """Heron's rule: how many steps depends on the number."""
    return while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: (x + a / x) / 2, 3.0 + 0 * a)


def root_plain(a: Any) -> Any:
    """The same, by ``while``."""
    x = 3.0 + 0 * a
    while abs(x * x - a) > 1e-12:
        x = (x + a / x) / 2
    return x


def bent(x: Any) -> Any:
    """A branch that closes over a value, and one that does not."""
    y = np.sin(x)
    return cond(x > 1, lambda v: v**3 * y, np.exp, x)


def bent_plain(x: Any) -> Any:
    """The same, by ``if``."""
    return x**3 * np.sin(x) if x > 1 else np.exp(x)


def nested(x: Any) -> Any:
    """A while loop, a scan and a branch in a scan."""

    def step(c: Any, v: Any) -> Any:
        low = while_loop(lambda t: t > 1.0, lambda t: t * 0.5 * np.cos(v), c + 3 * x)
        k, _ = scan(lambda a, b: (a + b * low, None), low, np.arange(3.0) * x)
        return cond(k > 2, lambda: k * x, lambda: np.sin(k)), k

    c, ks = scan(step, x, np.linspace(0.1, 1, 5))
    return c + np.sum(ks)


def nested_plain(x: Any) -> Any:
    """The same, by Python's own."""
    c, total = x, 0.0
    for v in np.linspace(0.1, 1, 5):
        k = c + 3 * x
        while k > 1.0:
            k = k * 0.5 * np.cos(v)
        low = k
        for b in range(3):
            k = k + b * x * low
        c = k * x if k > 2 else np.sin(k)
        total = total + k
    return c + total


CASES = [
    Case("recurrent", recurrent, recurrent_plain, (W, ROWS)),
    Case("backward", backward_sums, backward_sums_plain, (0.7, ROWS)),
    Case("root", root, root_plain, (2.0,)),
    Case("bent up", bent, bent_plain, (1.5,)),
    Case("bent down", bent, bent_plain, (0.5,)),
    Case("nested", nested, nested_plain, (0.7,)),
]
