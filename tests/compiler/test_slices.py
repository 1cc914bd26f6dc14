"""Slices, joins and sparse matrices in compiled functions: the eager numbers, nothing called in Python."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

import whence

RNG = np.random.default_rng(0)
A, X = RNG.normal(size=(4, 6)), RNG.normal(size=9)


def lorenz(y: Any) -> Any:
    for _ in range(30):
        a, b, c = y
        y = (a + 0.01 * (b - a), b + 0.01 * (a * (20 - c) - b), c + 0.01 * (a * b - 2 * c))
    return y[0]


def waves(x: Any) -> Any:
    """Three overlapping slices, one with a step, one backwards."""
    return (x[2:] * x[:-2] + x[::-1][1:-1] ** 2).sum() + (x[::2] ** 3).sum()


#: Name: a function and its arguments.
FUNCTIONS: dict[str, Any] = {
    "numbers of an array": (whence.grad(lorenz), (np.array([1.0, 2.0, 3.0]),)),
    "overlapping slices": (whence.grad(waves), (X,)),
    "Hessian of slices": (whence.hessian(waves), (X,)),
    "product with the Hessian": (whence.hvp(waves), (X, X[::-1].copy())),
    "windows of windows": (whence.grad(lambda a: (a[1][2:][::2] * a[2, 1:3]).sum() + a[3].sum()), (A,)),
    "stack": (lambda a: np.stack([a[0], a[1] * 2, a[::-1][0]], -1), (A,)),
    "gradient of stack": (whence.grad(lambda a: (np.stack([a[0], a[1]], -1) ** 2).sum()), (A,)),
    "pad": (whence.grad(lambda a: (np.pad(a, ((1, 2), (0, 3))) ** 2).sum()), (A,)),
    "pad with a number": (lambda a: np.pad(a, 2, constant_values=3.5), (A,)),
    "pad with edges": (lambda a: np.pad(a, ((0, 1), (2, 0)), mode="edge"), (A,)),
    "pad by reflection": (lambda a: np.pad(a, ((1, 0), (2, 3)), mode="reflect"), (A,)),
    "pad symmetrically": (lambda a: np.pad(a, ((1, 4), (2, 3)), mode="symmetric"), (A,)),
    "pad round": (whence.grad(lambda a: (np.pad(a, ((0, 2), (2, 0)), mode="wrap") ** 2).sum()), (A,)),
    "triangles": (lambda a: (np.tril(a, 1), np.triu(a, -1)), (A,)),
    "turns": (lambda a: [np.rot90(a, k, (1, 0)) + 1 for k in range(4)], (A,)),
    "unstack": (lambda a: np.unstack(a, axis=1), (A,)),
    "hsplit, vsplit": (lambda a: (np.hsplit(a, 3), np.vsplit(a, [1, 3])), (A,)),
    "repeat by one, roll by none": (
        lambda a: (np.repeat(a, 1, 0), np.roll(a, 0, 1), np.roll(a, 12, 1)),
        (A,),
    ),
    "of length one": (lambda a: (np.roll(a[:1], 1, 0), np.tile(a[:, :1], 3), np.repeat(a[:1], 2, 0)), (A,)),
    "of no length": (lambda a: (np.roll(a[:0], 1, 0), np.tile(a[:0], 2), np.concatenate([a, a[:0]])), (A,)),
    "flip": (whence.grad(lambda a: (np.flip(a, 0) * np.fliplr(a) * a).sum()), (A,)),
    "rot90": (lambda a: np.rot90(a) * 2, (A,)),
    "roll": (whence.grad(lambda x: (np.roll(x, 2) * x**2).sum()), (X,)),
    "roll of two axes": (lambda a: np.roll(a, (1, -2), (0, 1)), (A,)),
    "roll of all": (lambda a: np.roll(a, 5), (A,)),
    "tile": (whence.grad(lambda a: (np.tile(a, (2, 3)) ** 2).sum()), (A,)),
    "repeat": (whence.grad(lambda a: (np.repeat(a, 3, 1) ** 2).sum()), (A,)),
    "repeat all": (lambda a: np.repeat(a, 2), (A,)),
    "split": (whence.grad(lambda x: sum(p[0] * p.sum() for p in np.split(x, 3))), (X,)),
    "array_split": (lambda x: np.array_split(x, 4), (X,)),
    "stacks": (lambda a: (np.vstack([a, a[:1]]), np.hstack([a, a]), np.dstack([a, a])), (A,)),
    "column_stack": (lambda x: np.column_stack([x, x * 2]), (X,)),
    "append": (lambda x: np.append(x, x[:2]), (X,)),
    "insert zeros": (whence.grad(lambda x: (np.concatenate([x, np.zeros(3)])[1::2] ** 2).sum()), (X,)),
    "diff": (whence.grad(lambda x: (np.diff(x) ** 2).sum()), (X,)),
    "diagonal": (whence.grad(lambda a: (np.diagonal(a[:, :4]) ** 2).sum()), (A,)),
    "trace": (whence.grad(lambda a: np.trace(a[:, :4]) ** 2), (A,)),
}


#: Subscripts and the shapes of the operands.
EINSUMS = [
    ("ij,jk->ik", [(3, 4), (4, 5)]),
    ("ij,jk", [(3, 4), (4, 5)]),
    ("ij,kj->ki", [(3, 4), (5, 4)]),
    ("kij,nkj->nki", [(3, 4, 5), (6, 3, 5)]),
    ("bhtd,bhsd->bhts", [(2, 3, 4, 5), (2, 3, 6, 5)]),
    ("i,j->ij", [(3,), (4,)]),
    ("i,i->", [(3,), (3,)]),
    ("ii->i", [(4, 4)]),
    ("ii", [(4, 4)]),
    ("ijk->ki", [(2, 3, 4)]),
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
    ("i,ij,j", [(3,), (3, 4), (4,)]),
    ("ij,ij->i", [(3, 4), (3, 4)]),
    ("iij,jk->ik", [(3, 3, 4), (4, 2)]),
    ("ab,cd->dbca", [(2, 3), (4, 1)]),
    ("ij,jk->ik", [(3, 0), (0, 2)]),
]


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8"])
@pytest.mark.parametrize(("subscripts", "shapes"), EINSUMS, ids=str)
def test_einsum_compiles(subscripts: str, shapes: list[tuple[int, ...]], dtype: str) -> None:
    args = [RNG.integers(-4, 5, shape).astype(dtype) for shape in shapes]
    compiled = whence.compile(lambda *xs: np.einsum(subscripts, *xs))
    for _ in range(2):
        found, wanted = compiled(*args), np.einsum(subscripts, *args)
        np.testing.assert_array_equal(np.asarray(found), wanted)
        assert np.asarray(found).dtype == wanted.dtype
    if dtype == "f8":
        slope = whence.grad(lambda *xs: (np.einsum(subscripts, *xs) ** 2).sum(), tuple(range(len(args))))
        for x, y in zip(whence.compile(slope)(*args), slope(*args), strict=True):
            np.testing.assert_allclose(x, y, 1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_slices_compile(name: str) -> None:
    function, args = FUNCTIONS[name]
    compiled = whence.compile(function)
    for _ in range(2):
        found, wanted = whence.tree.flatten(compiled(*args))[0], whence.tree.flatten(function(*args))[0]
        for x, y in zip(found, wanted, strict=True):
            np.testing.assert_allclose(np.asarray(x), np.asarray(y), 1e-12, 1e-12)
    assert "of which 0 are made as they are" in compiled.explain(), compiled.explain()


def test_sums_of_windows_are_taken_window_by_window() -> None:
    compiled = whence.compile(whence.grad(lorenz))
    compiled(np.array([1.0, 2.0, 3.0]))
    assert str(compiled.graph).count("placed") == 1


@pytest.mark.parametrize(
    "matrix", [whence.sparse_jacobian(lambda x: x[1:] * x[:-1] ** 2), whence.sparse_hessian(waves)]
)
def test_sparse_matrices(matrix: Any) -> None:
    compiled = whence.compile(lambda x: {"matrix": matrix(x)})
    for x in (X, X + 1):
        found = compiled(x)["matrix"]
        assert isinstance(found, sparse.csr_array)
        np.testing.assert_allclose(found.toarray(), matrix(x).toarray(), 1e-12, 1e-12)
