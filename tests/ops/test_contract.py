"""einsum as matrix products: the same sums, whatever the order of the letters."""

import itertools

import numpy as np
import pytest

import whence
from whence.ops.contract import contract, products

LENGTHS = {"b": 6, "c": 5, "i": 7, "j": 8, "k": 9}


def shuffled(term: str, seed: int) -> str:
    return "".join(np.random.default_rng(seed).permutation(list(term))) if term else ""


CASES = [
    f"{shuffled(stack + rows + inner, seed)},{shuffled(stack + inner + columns, seed + 1)}"
    f"->{shuffled(stack + rows + columns, seed + 2)}"
    for seed, (stack, rows, columns, inner) in enumerate(
        itertools.product(["", "b", "bc"], ["", "i"], ["", "k"], ["j", "jm"])
    )
    if rows or columns
]


@pytest.mark.parametrize("subscripts", CASES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
def test_products_are_einsums(subscripts, dtype):
    assert products(subscripts) is not None
    rng = np.random.default_rng(0)
    lengths = {**LENGTHS, "m": 40}
    a, b = (
        rng.normal(size=[3 * lengths[c] for c in term]).astype(dtype)
        for term in subscripts.split("->")[0].split(",")
    )
    y = contract(a, b, subscripts=subscripts)
    expected = np.einsum(subscripts, a, b, optimize=True)
    assert (y.dtype, y.shape) == (expected.dtype, expected.shape)
    rtol = 1e-4 if dtype is np.float32 else 1e-12
    np.testing.assert_allclose(y, expected, rtol=rtol, atol=rtol * 100)


@pytest.mark.parametrize(
    "subscripts",
    ["ii,ij->j", "ij,jk,kl->il", "ij,ij->ij", "ij,kl->ijkl", "ij,jk->k", "ij->ji", "ijk,ijk->"],
)
def test_what_is_no_matrix_product_is_left_to_einsum(subscripts):
    assert products(subscripts) is None


def test_a_length_of_one_is_broadcast():
    a, b = np.ones((1, 30, 40)), np.arange(2 * 40 * 30.0).reshape(2, 40, 30)
    spec = "bij,bjk->bik"
    np.testing.assert_allclose(contract(a, b, subscripts=spec), np.einsum(spec, a, b))


def test_gradients_of_large_products():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(25, 10, 10)), rng.normal(size=(40, 25, 10))
    weights = rng.normal(size=(40, 25, 10))

    def loss(a, b):
        return np.sum(weights * np.einsum("kij,nkj->nki", a, b) ** 2)

    whence.testing.check_gradient(loss, a, b, order=1)
    da, db = whence.grad(loss, (0, 1))(a, b)
    g = 2 * weights * np.einsum("kij,nkj->nki", a, b)
    np.testing.assert_allclose(da, np.einsum("nki,nkj->kij", g, b), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(db, np.einsum("nki,kij->nkj", g, a), rtol=1e-11, atol=1e-11)
