"""Normalisation and dropout: equal to PyTorch's, right at second order, statistics that follow."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

import whence
import whence.nn.functional as F
from whence import Variable, nn
from whence.errors import BatchingError, ShapeError, WhenceError
from whence.random import Stream

from . import cases
from .cases import Case, normal

X2, X3, X4 = normal(1, 6, 4), normal(2, 3, 4, 5), normal(3, 2, 4, 3, 2)
W, B, MEAN, VAR = normal(4, 4), normal(5, 4), normal(6, 4), np.abs(normal(7, 4)) + 0.1


def trained(F, x, w=None, b=None):
    return F.batch_norm(x, None, None, w, b, training=True)


CASES = {
    "batch_norm": Case(trained, (X2, W, B)),
    "batch_norm sequence": Case(trained, (X3, W, B)),
    "batch_norm image": Case(trained, (X4, W, B)),
    "batch_norm plain": Case(lambda F, x: F.batch_norm(x, None, None, training=True, eps=0.1), (X4,)),
    "batch_norm evaluated": Case(
        lambda F, x, m, v, w, b: F.batch_norm(x, m, v, w, b), (X4, MEAN, VAR, W, B), constant=(1, 2)
    ),
    "instance_norm": Case(lambda F, x, w, b: F.instance_norm(x, weight=w, bias=b), (X4, W, B)),
    "group_norm": Case(lambda F, x, w, b: F.group_norm(x, 2, w, b), (X4, W, B)),
    "group_norm flat": Case(lambda F, x: F.group_norm(x, 2), (X2,)),
    "layer_norm": Case(lambda F, x, w, b: F.layer_norm(x, (4,), w, b), (X2, W, B)),
    "layer_norm two axes": Case(
        lambda F, x, w, b: F.layer_norm(x, (3, 2), w, b), (X4, normal(8, 3, 2), normal(9, 3, 2))
    ),
    "layer_norm weight only": Case(lambda F, x, w: F.layer_norm(x, (5,), w), (X3, normal(8, 5))),
    "rms_norm": Case(lambda F, x, w: F.rms_norm(x, (4,), w, eps=1e-3), (X2, W)),
    "rms_norm plain": Case(lambda F, x: F.rms_norm(x, (4, 5)), (X3,)),
    "local_response_norm": Case(lambda F, x: F.local_response_norm(x, 3, alpha=0.5), (X4,)),
    "local_response_norm even": Case(lambda F, x: F.local_response_norm(x, 2, 0.3, 0.6, 2.0), (X3,)),
    "normalize": Case(lambda F, x: F.normalize(x), (X3,)),
    "normalize in the third norm": Case(lambda F, x: F.normalize(x, p=3.0, dim=-1), (X3,)),
}
every = pytest.mark.parametrize("name", CASES)


@every
def test_is_what_pytorch_recorded(name):
    cases.check_equal(CASES[name], cases.recorded("norm", name))


@every
def test_is_pytorchs(name):
    pytest.importorskip("torch")
    cases.check_equal(CASES[name], cases.of_torch(CASES[name]))


@every
def test_derivatives_to_second_order(name):
    cases.check_derivatives(CASES[name])


@every
def test_single_precision_and_plain_arrays(name):
    cases.check_single(CASES[name])
    cases.check_plain(CASES[name])


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_finite_for_large_values(name, dtype):
    case = CASES[name]
    for a in cases.of_whence(case._replace(arrays=(1e4 * case.arrays[0], *case.arrays[1:])), dtype):
        assert np.all(np.isfinite(a))


@pytest.mark.parametrize("shape", [(64, 17), (5, 8, 9), (4, 3, 8, 8), (2, 3, 4, 4, 4)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_statistics_of_any_layout(shape, order):
    x = np.asarray(normal(1, *shape), order=order)
    axes = (0, *range(2, x.ndim))
    mean, var = np.mean(x, axes, keepdims=True), np.var(x, axes, keepdims=True)
    y = F.batch_norm(x, None, None, training=True)
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(var + 1e-5), rtol=1e-10, atol=1e-10)


# --- layers --------------------------------------------------------------------------------------

BATCHES = {
    "BatchNorm1d": (normal(1, 5, 4), {}),
    "BatchNorm2d": (normal(2, 3, 4, 3, 2), {}),
    "BatchNorm3d": (normal(3, 2, 4, 3, 2, 2), {"momentum": 0.3}),
    "InstanceNorm1d": (normal(4, 3, 4, 5), {"affine": True, "track_running_stats": True}),
    "InstanceNorm2d": (normal(5, 3, 4, 3, 2), {"track_running_stats": True}),
    "InstanceNorm3d": (normal(6, 2, 4, 3, 2, 2), {}),
}


@pytest.mark.parametrize(
    "options", [{}, {"momentum": None}, {"affine": False}, {"track_running_stats": False}]
)
@pytest.mark.parametrize("name", BATCHES)
def test_running_statistics_are_pytorchs(name, options):
    torch = pytest.importorskip("torch")
    if name.startswith("Instance") and options.get("momentum", 0) is None:
        pytest.skip("PyTorch takes no momentum=None there")
    x, more = BATCHES[name]
    mine = getattr(nn, name)(4, **{**more, **options}, dtype=np.float64)
    theirs = getattr(torch.nn, name)(4, **{**more, **options}).double()
    assert set(mine.state_dict()) == set(theirs.state_dict())
    for i in range(3):
        batch = x * (i + 1) + i
        np.testing.assert_allclose(_array(mine(batch)), theirs(torch.tensor(batch)).detach(), atol=1e-10)
    mine.eval(), theirs.eval()
    np.testing.assert_allclose(_array(mine(x)), theirs(torch.tensor(x)).detach(), atol=1e-10)
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(mine.state_dict()[key], value, atol=1e-10)
        assert mine.state_dict()[key].dtype == value.numpy().dtype


def _array(y):
    return np.asarray(y._data if isinstance(y, Variable) else y)


def test_the_running_variance_is_unbiased():
    layer = nn.BatchNorm1d(1, momentum=1.0, dtype=np.float64)
    layer(np.array([[1.0], [3.0]]))
    assert layer.running_mean.data == [2.0]
    assert layer.running_var.data == [2.0]
    assert layer.num_batches_tracked.dtype == np.int64
    layer.reset_running_stats()
    assert (layer.running_mean.data, layer.running_var.data, layer.num_batches_tracked.data) == (0, 1, 0)


def test_statistics_pass_no_gradient_and_are_kept_apart():
    layer = nn.BatchNorm1d(2, dtype=np.float64)
    other = copy.deepcopy(layer)
    y = layer(Variable(normal(1, 5, 2)))
    y.sum().backward()
    assert layer.running_mean.grad is None
    assert not any(np.any(other.running_mean.data != 0) for _ in range(1))
    assert {name for name, _ in layer.named_parameters()} == {"weight", "bias"}


def test_lazy_layers_learn_the_number_of_channels():
    x = normal(1, 5, 3)
    for lazy, full in ((nn.BatchNorm1d(None), nn.BatchNorm1d(3)), (nn.LayerNorm(None), nn.LayerNorm(3))):
        np.testing.assert_array_equal(_array(lazy(x)), _array(full(x)))
        assert repr(lazy) == repr(full)
        again = type(lazy)(None)
        again.load_state_dict(lazy.state_dict())
        np.testing.assert_array_equal(_array(again.eval()(x)), _array(lazy.eval()(x)))


def test_layers_of_one_kind_of_affine_map():
    x = normal(1, 4, 6).astype(np.float32)
    assert nn.LayerNorm(6)(x).dtype == np.float32
    assert nn.LayerNorm(6, bias=False).bias is None
    assert list(nn.LayerNorm((4, 6), elementwise_affine=False).parameters()) == []
    np.testing.assert_allclose(_array(nn.GroupNorm(2, 6)(x)), F.group_norm(x, 2), rtol=1e-6)
    np.testing.assert_allclose(_array(nn.RMSNorm(6)(x)), F.rms_norm(x, 6), rtol=1e-6)
    np.testing.assert_allclose(nn.LocalResponseNorm(3)(x), F.local_response_norm(x, 3), rtol=1e-6)
    one = nn.InstanceNorm1d(4)(normal(2, 4, 5))
    np.testing.assert_allclose(one, F.instance_norm(normal(2, 4, 5)[None])[0])


def test_gradients_through_a_layer_to_second_order():
    layer = nn.BatchNorm2d(4, dtype=np.float64).requires_grad_(False)

    def penalty(x):
        return np.sum(whence.grad(lambda v: np.sum(layer(v) ** 3))(x) ** 2)

    whence.testing.check_gradient(penalty, X4, order=1, rtol=1e-5)


def test_layer_norm_under_vmap():
    layer = nn.LayerNorm(5, dtype=np.float64).requires_grad_(False)
    np.testing.assert_allclose(_array(whence.vmap(layer)(X3)), _array(layer(X3)), rtol=1e-12)
    slope = whence.grad(lambda x: np.sum(np.sin(layer(x))))
    np.testing.assert_allclose(whence.vmap(slope)(X3), slope(X3), rtol=1e-10, atol=1e-12)


def test_errors_come_before_any_change():
    layer = nn.BatchNorm1d(3)
    with pytest.raises(ShapeError, match=r"more than one value for each channel(.|\n)*model\.eval\(\)"):
        layer(np.ones((1, 3)))
    with pytest.raises(ShapeError, match=r"second axis has to be 3"):
        layer(np.ones((5, 4)))
    with pytest.raises(ShapeError, match=r"takes x of 2 or 3 axes, not of shape \(5,\)(.|\n)*test_norm\.py"):
        layer(np.ones(5))
    assert int(layer.num_batches_tracked.data) == 0
    with pytest.raises(BatchingError, match="running statistics"):
        whence.vmap(layer)(normal(1, 4, 5, 3))
    with pytest.raises(ShapeError, match=r"x ends in normalized_shape"):
        nn.LayerNorm(3)(np.ones((3, 4)))
    with pytest.raises(ShapeError, match="weight and bias have"):
        F.layer_norm(np.ones((3, 4)), 4, np.ones(3))
    with pytest.raises(ShapeError, match="split 5 channels into 2 groups"):
        nn.GroupNorm(2, 5)
    with pytest.raises(ShapeError, match="cannot split 3 channels"):
        F.group_norm(np.ones((2, 3)), 2)
    with pytest.raises(ShapeError, match="one for each channel"):
        F.batch_norm(np.ones((2, 3)), np.ones(4), np.ones(4))
    with pytest.raises(ShapeError, match="instance_norm needs more than one value"):
        F.instance_norm(np.ones((2, 3, 1)))


# --- dropout -------------------------------------------------------------------------------------

DROPOUTS = {
    "Dropout": (50, 40), "Dropout1d": (50, 40, 2), "Dropout2d": (50, 40, 2, 2),
    "Dropout3d": (50, 40, 1, 2, 2),    "AlphaDropout": (50, 40),
}  # fmt: skip


@pytest.mark.parametrize("name", DROPOUTS)
def test_dropout_keeps_mean_dtype_and_seed(name):
    layer = getattr(nn, name)(0.25, stream=Stream(3))
    x = Variable(np.ones(DROPOUTS[name], np.float32))
    y = layer(x)
    assert y.dtype == np.float32
    values = np.unique(y.data)
    assert len(values) == 2
    share = np.mean(y.data == values[0])
    assert abs(share - 0.25) < 4 * math.sqrt(0.25 * 0.75 / 2000)
    layer.stream.state = Stream(3).state
    np.testing.assert_array_equal(layer(x).data, y.data)
    assert np.any(layer(x).data != y.data)
    assert layer.eval()(x) is x
    y.sum().backward()
    assert set(np.unique(x.grad.data != 0)) == {False, True}


def test_whole_channels_fall():
    y = F.dropout2d(np.ones((20, 10, 3, 3)), 0.5, stream=Stream(1))
    assert np.all(y == y[:, :, :1, :1])
    np.testing.assert_allclose(np.unique(y), [0.0, 2.0])


def test_alpha_dropout_keeps_mean_and_variance():
    y = F.alpha_dropout(Stream(1).normal(200_000), 0.3, stream=Stream(2))
    assert abs(np.mean(y)) < 0.02
    assert abs(np.std(y) - 1) < 0.02


def test_the_ends_of_dropout():
    x = np.ones((4, 5), np.float32)
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, training=False) is x
    for f in (F.dropout, F.alpha_dropout):
        y = f(x, 1.0)
        assert y.dtype == np.float32
        assert not np.any(y)
    whence.random.seed(5)
    first = F.dropout(x)
    whence.random.seed(5)
    np.testing.assert_array_equal(F.dropout(x), first)


def test_dropout_to_second_order_and_errors():
    def f(x):
        return np.sum(F.dropout(x, 0.4, stream=Stream(1)) ** 3)

    whence.testing.check_gradient(f, X2)
    with pytest.raises(WhenceError, match=r"p=1\.5(.|\n)*probability"):
        nn.Dropout(1.5)
    with pytest.raises(WhenceError, match="probability"):
        F.dropout(X2, -0.1)
    with pytest.raises(ShapeError, match="dropout2d got x of shape"):
        F.dropout2d(X2)
    with pytest.raises(BatchingError, match=r"one mask for all"):
        whence.vmap(F.dropout)(X2)
