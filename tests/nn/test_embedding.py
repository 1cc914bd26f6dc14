"""Embedding, and the affine and bilinear maps."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

import whence
from whence import Variable, nn
from whence.errors import BatchingError, BoundsError, DtypeError, GraphError, ShapeError, WhenceError
from whence.nn import functional as F
from whence.random import Stream
from whence.testing import check_gradient

from .cases import REFERENCE

TABLE = np.random.default_rng(0).normal(size=(5, 3))


def test_rows_are_read_and_added_up():
    w = Variable(TABLE)
    indices = np.array([[1, 4, 1], [0, 1, 2]])
    y = F.embedding(indices, w)
    np.testing.assert_array_equal(y.data, TABLE[indices])
    g = np.random.default_rng(1).normal(size=y.shape)
    y.backward(gradient=g)
    expected = np.zeros_like(TABLE)
    np.add.at(expected, indices, g)
    np.testing.assert_allclose(w.grad.data, expected, rtol=1e-14, atol=1e-15)


def test_many_rows_are_added_up():
    rng = np.random.default_rng(2)
    w, indices = Variable(rng.normal(size=(50, 16)).astype(np.float32)), rng.integers(0, 50, (30, 40))
    y = F.embedding(indices, w)
    g = rng.normal(size=y.shape).astype(np.float32)
    y.backward(gradient=g)
    expected = np.zeros(w.shape)
    np.add.at(expected, indices, g)
    assert w.grad.dtype == np.float32
    np.testing.assert_allclose(w.grad.data, expected, rtol=2e-5, atol=2e-5)


def test_derivatives():
    indices = np.array([[1, 4, 1], [0, 1, 2]])
    check_gradient(lambda w: np.sum(np.sin(F.embedding(indices, w)) ** 3), TABLE, order=2)


@pytest.mark.parametrize("padding", [None, 0, -1])
def test_second_order(padding):
    indices = np.array([[1, 4, 1], [0, 1, 2]])
    w = Variable(TABLE)
    np.sum(F.embedding(indices, w, padding) ** 3).backward(create_graph=True)
    g = w.grad
    w.cleargrad()
    np.sum(g**2).backward()
    count = np.bincount(indices.ravel(), minlength=5)[:, None]
    expected = 36 * TABLE**3 * count**2
    if padding is not None:
        expected[padding] = 0
    np.testing.assert_allclose(w.grad.data, expected, rtol=1e-13, atol=1e-13)


def test_padding_starts_at_zero_and_stays():
    layer = nn.Embedding(4, 2, padding_idx=1, dtype=np.float64, stream=Stream(1))
    np.sum(layer(np.array([1, 2, 1])) + 1.0).backward()
    np.testing.assert_array_equal(layer.weight._data[1], [0, 0])
    np.testing.assert_array_equal(layer.weight.grad.data, [[0, 0], [0, 0], [1, 1], [0, 0]])
    assert repr(layer) == "Embedding(4, 2, padding_idx=1)"


def test_indices_of_each_example():
    indices = np.array([[0, 1], [4, 4], [2, 0]])
    rows = whence.vmap(lambda i: np.sum(F.embedding(i, TABLE) ** 2))(indices)
    np.testing.assert_allclose(rows, np.sum(TABLE[indices] ** 2, axis=(1, 2)))
    slopes = whence.vmap(whence.grad(lambda w, i: np.sum(F.embedding(i, w, 0) ** 2)), (None, 0))(
        TABLE, indices
    )
    expected = np.zeros((3, 5, 3))
    expected[0, 1], expected[1, 4], expected[2, 2] = 2 * TABLE[1], 4 * TABLE[4], 2 * TABLE[2]
    np.testing.assert_allclose(slopes, expected)


def test_bad_indices_are_named():
    with pytest.raises(BoundsError, match=r"index 5 at \[1, 0\] is not among the rows 0 to 4") as error:
        F.embedding(np.array([[1, 2], [5, -1]]), TABLE)
    assert "and 1 more" in str(error.value) and __file__.rsplit("/", 1)[1] in str(error.value)
    with pytest.raises(BoundsError, match="index -1 at"):
        F.embedding(np.array(-1), TABLE)
    with pytest.raises(DtypeError, match=r"takes integers as indices, not float64.*\n.*astype\(int\)"):
        F.embedding(np.array([1.0]), TABLE)
    with pytest.raises(BoundsError, match="padding_idx 5 is no row of a table of 5"):
        F.embedding(np.array([1]), TABLE, 5)


def test_small_integers_and_variables_as_indices():
    expected = TABLE[[1, 2]]
    np.testing.assert_array_equal(F.embedding(np.array([1, 2], np.uint8), TABLE), expected)
    np.testing.assert_array_equal(F.embedding(Variable(np.array([1, 2])), TABLE), expected)
    np.testing.assert_array_equal(F.embedding([1, 2], TABLE), expected)


def test_rows_that_are_there_already():
    layer = nn.Embedding.from_pretrained(TABLE)
    assert not layer.weight.requires_grad
    assert nn.Embedding.from_pretrained(TABLE, freeze=False).weight.requires_grad
    np.testing.assert_array_equal(layer(np.array([3])).data, TABLE[[3]])


# --- linear and bilinear -------------------------------------------------------------------------


def test_linear_of_any_number_of_axes():
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(2, 3)), rng.normal(size=2)
    for shape in [(3,), (4, 3), (2, 4, 3), (0, 3)]:
        x = rng.normal(size=shape)
        np.testing.assert_allclose(F.linear(x, weight, bias), x @ weight.T + bias)
        check_gradient(lambda x, w, b: np.sum(np.sin(F.linear(x, w, b))), x, weight, bias, order=2)


def test_linear_that_does_not_fit():
    with pytest.raises(ShapeError, match="linear"):
        F.linear(Variable(np.ones((4, 2))), np.ones((2, 3)))
    with pytest.raises(ShapeError, match=r"Linear\(3, 2\) got x of shape \(4, 2\).*\n.*has to be 3"):
        nn.Linear(3, 2)(np.ones((4, 2)))


def test_bilinear():
    rng = np.random.default_rng(0)
    x1, x2 = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4, 2))
    weight, bias = rng.normal(size=(5, 3, 2)), rng.normal(size=5)
    expected = np.einsum("abi,oij,abj->abo", x1, weight, x2) + bias
    np.testing.assert_allclose(F.bilinear(x1, x2, weight, bias), expected)
    check_gradient(
        lambda *args: np.sum(np.sin(F.bilinear(*args))), x1[0, :2], x2[0, :2], weight, bias, order=2
    )
    with pytest.raises(ShapeError, match=r"bilinear of x1 .* x2 .*\n.*x1 \(\.\.\., 3\) and x2"):
        F.bilinear(x1, x1, weight)
    assert repr(nn.Bilinear(2, 3, 4, bias=False)) == "Bilinear(2, 3, 4, bias=False)"


def test_against_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    mine, theirs = nn.Bilinear(3, 2, 4, dtype=np.float64), torch.nn.Bilinear(3, 2, 4, dtype=torch.float64)
    mine.load_state_dict(theirs.state_dict())
    x1, x2 = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    np.sum(mine(x1, x2) ** 2).backward()
    (theirs(torch.tensor(x1), torch.tensor(x2)) ** 2).sum().backward()
    for name, p in mine.named_parameters():
        np.testing.assert_allclose(p.grad.data, theirs.get_parameter(name).grad.numpy(), rtol=1e-10)
    words = nn.Embedding(7, 3, padding_idx=2, dtype=np.float64)
    others = torch.nn.Embedding(7, 3, padding_idx=2, dtype=torch.float64)
    words.load_state_dict(others.state_dict())
    indices = rng.integers(0, 7, (4, 5))
    np.sum(words(indices) ** 3).backward()
    (others(torch.tensor(indices)) ** 3).sum().backward()
    np.testing.assert_allclose(words.weight.grad.data, others.weight.grad.numpy(), rtol=1e-10)


OPTIONS = {
    "max_norm": {"max_norm": 1.0},
    "norm_type": {"max_norm": 1.5, "norm_type": 1.0},
    "infinity": {"max_norm": 0.5, "norm_type": float("inf"), "padding_idx": 1},
    "by_frequency": {"scale_grad_by_freq": True},
    "both": {"scale_grad_by_freq": True, "max_norm": 0.7, "norm_type": 3.0, "padding_idx": 0},
}
READ = np.array([[1, 4, 1], [0, 1, 2]])


def read(library: Any, weight: Any, indices: Any, options: Any) -> tuple[Any, Any, Any]:
    """Rows, gradient and the table afterwards, twice over, of PyTorch or whence."""
    layer = library.Embedding.from_pretrained(weight, freeze=False, **options)
    (layer(indices) ** 3).sum().backward()
    again = layer(indices)
    return again, layer.weight.grad, layer.weight


def recorded() -> dict[str, np.ndarray]:
    """What PyTorch gives for the options."""
    torch = importlib.import_module("torch")
    found = {}
    for name, options in OPTIONS.items():
        parts = read(torch.nn, torch.tensor(TABLE), torch.tensor(READ), options)
        found |= {f"{name}:{i}": part.detach().numpy() for i, part in enumerate(parts)}
    return found


@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_pytorchs(name):
    parts = read(nn, TABLE.copy(), READ, OPTIONS[name])
    with np.load(REFERENCE / "embedding.npz") as file:
        for i, part in enumerate(parts):
            np.testing.assert_allclose(part.data, file[f"{name}:{i}"], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_pytorchs_live(name):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(5)
    table, indices = rng.normal(size=(9, 4)), rng.integers(0, 9, (5, 7))
    theirs = read(torch.nn, torch.tensor(table), torch.tensor(indices), OPTIONS[name])
    for mine, other in zip(read(nn, table.copy(), indices, OPTIONS[name]), theirs, strict=True):
        np.testing.assert_allclose(mine.data, other.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_rows_are_shortened_where_they_are():
    table = TABLE.astype(np.float32)
    F.embedding(READ, table, max_norm=0.5)
    assert table.dtype == np.float32 and np.all(np.linalg.norm(table[[0, 1, 2, 4]], axis=1) <= 0.5)
    np.testing.assert_array_equal(table[3], TABLE[3].astype(np.float32))  # nobody read it
    layer = nn.Embedding.from_pretrained(TABLE, False, max_norm=0.5)
    before = layer.weight._data
    y = layer(READ)  # the table that a graph recorded earlier read stays what it was
    assert layer.weight._data is not before and np.max(np.linalg.norm(y.data, axis=-1)) <= 0.5
    kept = layer.weight._data
    layer(READ)
    assert layer.weight._data is kept  # nothing to shorten, nothing written
    assert repr(layer) == "Embedding(5, 3, max_norm=0.5)"


def test_a_gradient_is_of_the_shortened_rows():
    layer = nn.Embedding.from_pretrained(TABLE, False, max_norm=0.5)
    np.sum(layer(READ) ** 2).backward()
    counts = np.bincount(READ.ravel(), minlength=len(TABLE))
    assert np.max(np.linalg.norm(layer.weight._data[counts > 0], axis=1)) <= 0.5
    np.testing.assert_allclose(layer.weight.grad.data, 2 * layer.weight._data * counts[:, None], rtol=1e-12)
    with pytest.raises(GraphError, match=r"such as grad: loss.backward\(\)"):
        whence.grad(lambda layer: np.sum(layer(READ)))(layer)


def test_shortening_inside_a_transform():
    layer = nn.Embedding.from_pretrained(TABLE, False, max_norm=0.5)
    compiled = whence.compile(lambda i: np.sum(layer(i) ** 2))
    for indices in (READ, READ, np.full((2, 3), 3)):
        found = compiled(indices)
        rows = layer.weight._data[indices]
        assert np.max(np.linalg.norm(rows, axis=-1)) <= 0.5
        np.testing.assert_allclose(float(found), np.sum(rows**2))
    with pytest.raises(GraphError, match=r"writes to the table(.|\n)*max_norm=None"):
        F.embedding(READ, Variable(TABLE) * 2, max_norm=0.5)
    with pytest.raises(BatchingError, match="for each example"):
        whence.vmap(lambda w: F.embedding(READ, w, max_norm=0.5))(np.stack([TABLE, TABLE]))
    with pytest.raises(WhenceError, match="max_norm=-1"):
        F.embedding(READ, TABLE, max_norm=-1)


def test_frequencies_inside_transforms():
    def loss(w: Any, i: Any) -> Any:
        return np.sum(F.embedding(i, w, 0, scale_grad_by_freq=True) ** 2)

    slope = whence.grad(loss)
    each = whence.vmap(slope, (None, 0))(TABLE, READ)
    np.testing.assert_allclose(each, np.stack([slope(TABLE, i) for i in READ]))
    np.testing.assert_allclose(
        whence.vmap(slope, (0, None))(np.stack([TABLE] * 2), READ)[1], slope(TABLE, READ)
    )
    compiled = whence.compile(slope)
    for indices in (READ, READ[::-1] * 0 + 2):
        np.testing.assert_allclose(compiled(TABLE, indices), slope(TABLE, indices))


def test_rows_that_do_not_exist_are_refused_inside_vmap_too():
    with pytest.raises(BoundsError, match="index -1"):
        whence.vmap(nn.Embedding(4, 2))(np.array([[1, 2], [3, -1]]))
    with pytest.raises(BoundsError, match="index 4"):
        whence.vmap(nn.Embedding(4, 2))(np.array([[1, 2], [4, 0]]))
