"""Sums of short products as one product of stacked factors: the same values, fewer products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import whence
from whence.compiler.graph import Graph

RNG = np.random.default_rng(0)
STEPS = 7


def sums(form: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def f(a: Any, b: Any) -> Any:
        total = form(a[0], b[0])
        for t in range(1, STEPS):
            total = total + form(a[t], b[t])
        return total

    return f


FORMS: dict[str, tuple[Any, tuple[int, ...], tuple[int, ...]]] = {
    "as they are": (lambda a, b: a @ b, (5, 3), (3, 4)),
    "left turned": (lambda a, b: a.T @ b, (3, 5), (3, 4)),
    "right turned": (lambda a, b: a @ b.T, (5, 3), (4, 3)),
    "both turned": (lambda a, b: a.T @ b.T, (3, 5), (4, 3)),
    "product turned": (lambda a, b: (a.T @ b).T, (3, 5), (3, 4)),
    "computed first": (lambda a, b: np.tanh(a).T @ (2 * b), (3, 5), (3, 4)),
}


def products(graph: Graph) -> int:
    return sum(node.function is np.matmul for node in graph.nodes)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FORMS)
def test_a_sum_of_products_is_one_product(name, dtype):
    form, left, right = FORMS[name]
    a, b = RNG.normal(size=(STEPS, *left)).astype(dtype), RNG.normal(size=(STEPS, *right)).astype(dtype)
    f = sums(form)
    compiled = whence.compile(f)
    rounding = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(compiled(a, b), f(a, b), rtol=rounding, atol=rounding)
    assert products(compiled.graph) == 1


def test_what_is_no_such_sum_stays():
    a, b = RNG.normal(size=(STEPS, 3, 3)), RNG.normal(size=(STEPS, 3, 3))

    def used_twice(a: Any, b: Any) -> Any:
        parts = [a[t] @ b[t] for t in range(STEPS)]
        return sum(parts[1:], parts[0]), parts

    def mixed(a: Any, b: Any) -> Any:
        total = a[0] * b[0]
        for t in range(STEPS):
            total = total + a[t] @ b[t] + a[t].T @ b[t] + np.exp(a[t])
        return total

    def few(a: Any, b: Any) -> Any:
        return a[0] @ b[0] + a[1] @ b[1]

    for f, count in ((used_twice, STEPS), (mixed, 2), (few, 2)):
        compiled = whence.compile(f)
        found, expected = compiled(a, b), f(a, b)
        for x, y in zip(whence.tree.flatten(found)[0], whence.tree.flatten(expected)[0], strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-12)
        assert products(compiled.graph) == count


def test_the_weight_of_a_loop_has_one_product_for_its_gradient():
    def loss(w: Any, x: Any) -> Any:
        h = np.zeros((4, 6))
        for t in range(STEPS):
            h = np.tanh(x[t] + h @ w)
        return np.sum(h**2)

    w, x = RNG.normal(size=(6, 6)), RNG.normal(size=(STEPS, 4, 6))
    gradient = whence.compile(whence.grad(loss))
    np.testing.assert_allclose(gradient(w, x), whence.grad(loss)(w, x), rtol=1e-10)
    assert products(gradient.graph) <= 2 * STEPS + 1
