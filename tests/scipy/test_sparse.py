"""Sparse matrices: products with Variables as they stand, entries that differentiate, solutions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse as plain
from scipy.sparse import linalg as plain_linalg

import whence
from tests.ops import calculus as law
from whence import Variable
from whence.scipy import sparse as ours
from whence.scipy.sparse import linalg

rng = np.random.default_rng(0)
DENSE = rng.normal(size=(4, 5)) * (rng.random((4, 5)) < 0.6)
A = plain.csr_array(DENSE)
X, M = rng.normal(size=5), rng.normal(size=(5, 3))
ROWS, COLUMNS = A.tocoo().coords
SQUARE = plain.csr_array(np.diag(4.0 + np.arange(5)) + np.triu(rng.normal(size=(5, 5)), 3) + np.eye(5, k=-1))
D = SQUARE.tocoo()
PLACES, ENTRIES = D.coords, D.data


def check(f, *arrays, complex_too=False):
    """First, second derivative and forward mode, in all arrays together."""
    law.check_first(f, arrays, range(len(arrays)), 1)
    law.check_second(f, arrays, range(len(arrays)), 1)
    law.check_forward(f, arrays, range(len(arrays)), 1)


@pytest.mark.parametrize("kind", ["csr_array", "csc_array", "coo_array", "csr_matrix", "dia_array"])
def test_products_of_scipys_matrices_as_they_stand(kind):
    matrix = getattr(plain, kind)(DENSE)
    for f, x in (
        (lambda v: matrix @ v, X),
        (lambda v: matrix @ v, M),
        (lambda v: v @ matrix, M[:4].T.copy()),
        (lambda v: v @ matrix, X[:4]),
        (lambda v: np.exp(matrix @ np.sin(v)), X),
    ):
        y = f(Variable(x))
        assert isinstance(y, Variable)
        np.testing.assert_allclose(y.data, f(x))
        check(f, x)
    y = matrix @ Variable(X.astype(np.float32))
    assert y.shape == (4,)


def test_sums_and_elementwise_products_of_scipys_matrices():
    x = rng.normal(size=(4, 5))
    for f in (lambda v: A + v, lambda v: v - A, lambda v: A * v):
        np.testing.assert_allclose(f(Variable(x)).data, f(x).toarray() if plain.issparse(f(x)) else f(x))
        check(f, x)


def test_methods_that_cannot_be_left_to_the_variable_refuse():
    with pytest.raises(whence.WhenceError, match=r"scipy\.sparse\.csr_array\.multiply\(v\)"):
        A.multiply(Variable(np.ones((4, 5))))
    with pytest.raises(whence.WhenceError, match=r"scipy\.sparse\.coo_array\.dot\(v\)"):
        A.tocoo().dot(Variable(X))
    assert isinstance(A.dot(Variable(X)), Variable)


def test_what_does_not_fit():
    with pytest.raises(whence.WhenceError, match="do not fit"):
        A @ Variable(np.ones(3))
    with pytest.raises(whence.WhenceError, match=r"A @ v for the product of matrices"):
        plain.csr_matrix(DENSE) * Variable(np.ones((4, 5)))
    with whence.no_grad():
        assert type(A @ Variable(X)) is np.ndarray


MAKERS = {
    "csr": lambda d: ours.csr_array((d, A.indices, A.indptr), shape=A.shape),
    "csc": lambda d: ours.csc_array((d, A.tocsc().indices, A.tocsc().indptr), shape=A.shape),
    "coo": lambda d: ours.coo_array((d, (ROWS, COLUMNS)), shape=A.shape),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_arrays_with_differentiable_entries(kind):
    make = MAKERS[kind]
    d = A.tocsc().data if kind == "csc" else A.data
    np.testing.assert_array_equal(make(Variable(d)).toarray().data, DENSE)
    np.testing.assert_array_equal(make(Variable(d)).plain().toarray(), DENSE)
    assert type(make(d)) is type(getattr(plain, kind + "_array")(DENSE))
    check(lambda d, x: make(Variable(d) if type(d) is np.ndarray else d) @ x, d, X)
    for f in (
        lambda S, x: S @ x,
        lambda S, x: x[:4] @ S,
        lambda S, x: S.T @ x[:4],
        lambda S, x: (2.0 * S - S / x[0]) @ x,
        lambda S, x: (S @ S.T).toarray() @ x[:4],
        lambda S, x: (S + A).sum(axis=0) * x,
        lambda S, x: S.multiply(x).sum(axis=1),
        lambda S, x: (S @ A.T + 1.0) @ x[:4],
        lambda S, x: S.diagonal() * x[:4] + S.trace() + S.mean(),
        lambda S, x: ours.vstack([S, A]) @ x,
        lambda S, x: ours.hstack([A, S]).T @ x[:4],
        lambda S, x: ours.kron(S, A).sum(axis=1) * np.sum(x),
        lambda S, x: linalg.norm(S) * x,
    ):
        got = f(make(Variable(d)), Variable(X))
        dense = f(make(Variable(d)), X)
        np.testing.assert_allclose(law.bare(got), law.bare(dense))
        check(lambda d, x, f=f: f(make(d if isinstance(d, Variable) else Variable(d)), x), d, X)


def test_a_dense_variable_and_duplicates():
    v = Variable(DENSE)
    S = ours.csr_array(v)
    assert S.nnz == A.nnz
    np.sum(S @ X).backward()
    np.testing.assert_allclose(v.grad.data, (DENSE != 0) * X)
    d = Variable(np.array([1.0, 2.0, 3.0]))
    twice = ours.coo_array((d, ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    np.testing.assert_array_equal(twice.toarray().data, [[0, 3], [3, 0]])


def test_diagonals():
    a, b = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0])
    expected = plain.diags_array([a, b], offsets=[0, 1]).toarray()
    for make in (
        lambda v: ours.diags_array([v, b], offsets=[0, 1]),
        lambda v: ours.diags([v, b], [0, 1]),
    ):
        np.testing.assert_array_equal(make(Variable(a)).toarray().data, expected)
    np.testing.assert_array_equal(ours.diags(Variable(a)).toarray().data, np.diag(a))
    check(lambda a: ours.diags_array(a if isinstance(a, Variable) else Variable(a)) @ X[:3], a)


def solve_with(solver):
    def f(d, b):
        d = d if isinstance(d, Variable) else Variable(d)
        return solver(ours.csc_array((d, PLACES), shape=(5, 5)), b)

    return f


SOLVERS = {
    "spsolve": linalg.spsolve,
    "splu": lambda S, b: linalg.splu(S).solve(b),
    "splu-transposed": lambda S, b: linalg.splu(S).solve(b, "T"),
    "factorized": lambda S, b: linalg.factorized(S)(b),
    "gmres": lambda S, b: linalg.gmres(S, b, rtol=1e-14, atol=0)[0],
    "bicgstab": lambda S, b: linalg.bicgstab(S, b, rtol=1e-14, atol=0)[0],
    "cg": lambda S, b: linalg.cg(S @ S.T, b, rtol=1e-15, atol=0)[0],
}


@pytest.mark.parametrize("name", SOLVERS)
def test_solutions(name):
    f = solve_with(SOLVERS[name])
    matrix = SQUARE.toarray()
    matrix = matrix.T if "transposed" in name else matrix @ matrix.T if name == "cg" else matrix
    np.testing.assert_allclose(f(Variable(ENTRIES), X).data, np.linalg.solve(matrix, X), rtol=1e-10)
    law.check_first(f, (ENTRIES, X), (0, 1), 1)
    law.check_forward(f, (ENTRIES, X), (0, 1), 1)
    if name != "bicgstab":
        law.check_second(f, (ENTRIES, X), (0, 1), 1)


def test_several_right_hand_sides_and_plain_matrices():
    f = solve_with(linalg.spsolve)
    check(f, ENTRIES, M)
    check(f, ENTRIES, X[:, None])
    check(lambda b: linalg.spsolve(SQUARE, b if isinstance(b, Variable) else Variable(b)), X)
    np.testing.assert_array_equal(linalg.spsolve(SQUARE, X), plain_linalg.spsolve(SQUARE, X))


def test_factored_once(monkeypatch):
    calls = []
    original = plain_linalg.splu
    monkeypatch.setattr(plain_linalg, "splu", lambda *args, **how: calls.append(1) or original(*args, **how))
    d = Variable(ENTRIES)
    np.sum(linalg.spsolve(ours.csc_array((d, PLACES), shape=(5, 5)), X) ** 2).backward()
    assert len(calls) == 1 and d.grad is not None


def test_refusals():
    v = Variable(np.ones(2))
    with pytest.raises(whence.WhenceError, match="singular"):
        linalg.spsolve(ours.coo_array((v, ([0, 1], [0, 0])), shape=(2, 2)), np.ones(2))
    with pytest.raises(whence.WhenceError, match="sparse product"):
        ours.coo_array((v, ([0, 1], [0, 1])), shape=(2, 2)) @ np.ones(3)
    with pytest.raises(whence.WhenceError, match="A \\* v"):
        v * ours.coo_array((v, ([0, 1], [0, 1])), shape=(2, 2))
    with pytest.raises(whence.WhenceError, match="LinearOperator"):
        linalg.cg(np.eye(2), v)
    assert ours.eye_array(3).shape == (3, 3)
