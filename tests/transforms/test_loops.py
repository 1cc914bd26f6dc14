"""scan, while_loop and cond: what Python's own loops give, under every transform; and their errors."""

from typing import Any

import numpy as np
import pytest

import whence
from tests.transforms.loops import CASES, Case, bent, root
from whence import cond, scan, while_loop
from whence.errors import DtypeError, ShapeError
from whence.tree import TreeError

BY_NAME = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@BY_NAME
def test_the_same_as_pythons_own_loops(case: Case) -> None:
    """Values, gradients with respect to every argument, tangents, second derivatives."""
    f, plain, args = case.function, case.plain, case.args
    everywhere = tuple(range(len(args)))
    assert np.allclose(f(*args), plain(*args), rtol=1e-13)
    pairs = zip(whence.grad(f, everywhere)(*args), whence.grad(plain, everywhere)(*args), strict=True)
    assert all(np.allclose(a, b, rtol=1e-11) for a, b in pairs)
    tangents = tuple(np.ones_like(a) for a in args)
    assert np.allclose(whence.jvp(f, args, tangents)[1], whence.jvp(plain, args, tangents)[1], rtol=1e-11)
    assert np.allclose(whence.hessian(f)(*args), whence.hessian(plain)(*args), rtol=1e-10)


@BY_NAME
def test_finite_differences_agree(case: Case) -> None:
    """Of the first two orders."""
    whence.testing.check_gradient(case.function, *case.args, order=2)


def test_examples_of_a_batch_go_their_own_ways() -> None:
    """As many steps as each needs; the branch that each takes."""
    xs = np.array([0.5, 2.0, 9.0])
    for f in (root, bent):
        for g in (f, whence.grad(f), whence.hessian(f)):
            assert np.allclose(whence.vmap(g)(xs), [g(x) for x in xs], rtol=1e-12)
        total = whence.grad(lambda xs, f=f: np.sum(whence.vmap(f)(xs)))(xs)
        assert np.allclose(total, [whence.grad(f)(x) for x in xs], rtol=1e-12)


def test_no_nan_from_the_branch_not_taken() -> None:
    """Neither as a value nor in a gradient, and no warning."""

    def f(x: Any) -> Any:
        return cond(x > 0, lambda x: np.log(x) * np.sqrt(x), lambda x: 2 * x, x)

    xs = np.array([0.0, 4.0, -1.0])
    assert np.allclose(whence.vmap(whence.grad(f))(xs), [2.0, np.log(4) / 4 + 0.5, 2.0])


def test_only_the_branch_that_is_taken_runs() -> None:
    """The other may be impossible."""
    assert cond(True, lambda x: x + 1, lambda x: 1 // 0, 1) == 2
    assert cond(np.False_, lambda: 1 // 0, lambda: "anything") == "anything"


def test_no_steps() -> None:
    """The carry as it was; empty results of the right shape."""
    carry, ys = scan(lambda c, x: (c, x @ np.ones(3)), 1.5, np.zeros((0, 2, 3)))
    assert carry == 1.5
    assert ys.shape == (0, 2)
    assert while_loop(lambda n: n < 0, lambda n: n + 1, 0) == 0


def test_a_python_number_takes_the_type_of_the_carry() -> None:
    """As it does in NumPy's own arithmetic."""
    carry, _ = scan(lambda c, _: (0.5, None), np.float32(1), length=2)
    assert carry.dtype == np.float32


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: scan(lambda c, x: (c, x), 0.0), ShapeError, "how many steps"),
    (lambda: scan(lambda c, x: (c, x), 0.0, np.ones(3), length=4), ShapeError, r"\[3, 4\]"),
    (lambda: scan(lambda c, x: (c, x), 0.0, 2.0), ShapeError, "no axis"),
    (lambda: scan(lambda c, x: c, 0.0, np.ones(3)), TreeError, r"returns \(carry, y\)"),
    (lambda: scan(lambda c, x: ((c, c), x), 0.0, np.ones(3)), TreeError, "another structure"),
    (lambda: scan(lambda c, x: (np.append(c, x), x), np.ones(1), np.ones(3)), ShapeError, r"\(2,\)"),
    (lambda: scan(lambda c, x: (c + 0.5, x), 0, np.ones(3)), DtypeError, "float64 from one of int64"),
    (lambda: while_loop(lambda c: c, lambda c: c - 1, 3), DtypeError, "is a boolean, not int64"),
    (lambda: while_loop(lambda c: c > 0, lambda c: c - 1, np.ones(3)), ShapeError, r"np\.any"),
    (lambda: while_loop(lambda c: c > 0, lambda c: "x", 3), DtypeError, "holds numbers"),
    (lambda: cond(1.0, abs, abs, 1), DtypeError, "is a boolean, not float"),
    (
        lambda: whence.vmap(lambda x: cond(x > 0, lambda: x, lambda: (x, x)))(np.ones(2)),
        TreeError,
        "different structures",
    ),
    (
        lambda: whence.vmap(lambda x: cond(x > 0, lambda: x, lambda: x > 1))(np.ones(2)),
        DtypeError,
        "float64 and bool",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), ERRORS, ids=[text for _, _, text in ERRORS])
def test_errors_teach(call: Any, error: type[Exception], text: str) -> None:
    """What does not fit, and what to write."""
    with pytest.raises(error, match=text):
        call()
