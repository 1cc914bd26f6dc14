"""Activations: equal to PyTorch's, right at second order, finite far out."""

from __future__ import annotations

import numpy as np
import pytest

import whence
import whence.nn.functional as F
from whence import Variable, nn
from whence.errors import ShapeError, WhenceError

from . import cases
from .cases import Case, normal

X = normal(1, 4, 6)

CASES = {
    "relu": Case(lambda F, x: F.relu(x), (X,)),
    "relu6": Case(lambda F, x: F.relu6(x), (4 * X,)),
    "leaky_relu": Case(lambda F, x: F.leaky_relu(x), (X,)),
    "leaky_relu steep": Case(lambda F, x: F.leaky_relu(x, 1.5), (X,)),
    "leaky_relu falling": Case(lambda F, x: F.leaky_relu(x, -0.5), (X,)),
    "prelu one": Case(lambda F, x, w: F.prelu(x, w), (X, np.array([0.3]))),
    "prelu channels": Case(lambda F, x, w: F.prelu(x, w), (normal(2, 3, 4, 5), normal(3, 4))),
    "elu": Case(lambda F, x: F.elu(x, 0.7), (X,)),
    "selu": Case(lambda F, x: F.selu(x), (X,)),
    "celu": Case(lambda F, x: F.celu(x, 1.6), (X,), atol=2e-8),
    "gelu": Case(lambda F, x: F.gelu(x), (X,)),
    "gelu tanh": Case(lambda F, x: F.gelu(x, approximate="tanh"), (X,)),
    "silu": Case(lambda F, x: F.silu(x), (X,)),
    "mish": Case(lambda F, x: F.mish(x), (X,)),
    "softplus": Case(lambda F, x: F.softplus(x), (X,)),
    "softplus beta": Case(lambda F, x: F.softplus(x, beta=2.0, threshold=1.0), (X,)),
    "sigmoid": Case(lambda F, x: F.sigmoid(x), (X,)),
    "logsigmoid": Case(lambda F, x: F.logsigmoid(x), (X,)),
    "tanh": Case(lambda F, x: F.tanh(x), (X,)),
    "hardtanh": Case(lambda F, x: F.hardtanh(x, -0.5, 1.5), (X,)),
    "hardsigmoid": Case(lambda F, x: F.hardsigmoid(x), (3 * X,), atol=2e-8),
    "hardswish": Case(lambda F, x: F.hardswish(x), (3 * X,)),
    "hardshrink": Case(lambda F, x: F.hardshrink(x, 0.6), (X,)),
    "softshrink": Case(lambda F, x: F.softshrink(x, 0.6), (X,)),
    "softsign": Case(lambda F, x: F.softsign(x), (X,)),
    "tanhshrink": Case(lambda F, x: F.tanhshrink(x), (X,)),
    "threshold": Case(lambda F, x: F.threshold(x, 0.2, -3.0), (X,)),
    "softmax": Case(lambda F, x: F.softmax(x, dim=-1), (X,)),
    "softmax first axis": Case(lambda F, x: F.softmax(x, dim=0), (normal(4, 3, 2, 4),)),
    "log_softmax": Case(lambda F, x: F.log_softmax(x, dim=1), (X,)),
    "log_softmax first axis": Case(lambda F, x: F.log_softmax(x, dim=0), (normal(4, 3, 2, 4),)),
    "softmin": Case(lambda F, x: F.softmin(x, dim=1), (X,)),
    "glu": Case(lambda F, x: F.glu(x, dim=-1), (X,)),
    "glu first axis": Case(lambda F, x: F.glu(x, dim=0), (X,)),
}
every = pytest.mark.parametrize("name", CASES)

LAYERS = {
    "ReLU": nn.ReLU(inplace=True), "ReLU6": nn.ReLU6(), "LeakyReLU": nn.LeakyReLU(0.2), "ELU": nn.ELU(0.7),
    "SELU": nn.SELU(), "CELU": nn.CELU(1.6), "GELU": nn.GELU(), "SiLU": nn.SiLU(), "Mish": nn.Mish(),
    "Softplus": nn.Softplus(2.0, 1.0), "Sigmoid": nn.Sigmoid(), "LogSigmoid": nn.LogSigmoid(),
    "Tanh": nn.Tanh(), "Hardtanh": nn.Hardtanh(-0.5, 1.5), "Hardsigmoid": nn.Hardsigmoid(),
    "Hardswish": nn.Hardswish(), "Hardshrink": nn.Hardshrink(0.6), "Softshrink": nn.Softshrink(0.6),
    "Softsign": nn.Softsign(), "Tanhshrink": nn.Tanhshrink(), "Threshold": nn.Threshold(0.2, -3.0),
    "Softmax": nn.Softmax(1), "LogSoftmax": nn.LogSoftmax(1), "Softmin": nn.Softmin(1), "GLU": nn.GLU(1),
    "PReLU": nn.PReLU(6, 0.1, dtype=np.float64),
}  # fmt: skip


@every
def test_is_what_pytorch_recorded(name):
    cases.check_equal(CASES[name], cases.recorded("activation", name))


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
@pytest.mark.parametrize("size", [1e2, 1e4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_finite_far_out(name, size, dtype):
    case = CASES[name]
    far = np.where(np.arange(case.arrays[0].size) % 3, size, -size).reshape(case.arrays[0].shape)
    extreme = case._replace(arrays=(far, *case.arrays[1:]))
    for a in cases.of_whence(extreme, dtype):
        assert np.all(np.isfinite(a))


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    options = {
        "LeakyReLU": (0.2,), "ELU": (0.7,), "CELU": (1.6,), "Softplus": (2.0, 1.0), "Hardtanh": (-0.5, 1.5),
        "Hardshrink": (0.6,), "Softshrink": (0.6,), "Threshold": (0.2, -3.0), "Softmax": (1,),
        "LogSoftmax": (1,),
        "Softmin": (1,), "GLU": (1,), "PReLU": (6, 0.1),
    }.get(name, ())  # fmt: skip
    theirs = getattr(torch.nn, name)(*options).double()
    found = LAYERS[name](X)
    found = np.asarray(getattr(found, "_data", found))
    np.testing.assert_allclose(found, theirs(torch.tensor(X)).detach(), rtol=2e-8, atol=1e-10)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_show_their_options(name):
    assert repr(LAYERS[name]).startswith(f"{name}(")


def test_values_between_pieces_of_a_large_array():
    x = np.linspace(-6, 6, 100_003).astype(np.float32)
    for kind in ("none", "tanh"):
        v, exact = Variable(x), Variable(x.astype(float))
        for each in (v, exact):
            F.gelu(each, kind).backward(gradient=np.ones(x.shape, each.dtype))
        np.testing.assert_allclose(F.gelu(x, kind), F.gelu(exact.data, kind), atol=1e-6)
        np.testing.assert_allclose(v.grad.data, exact.grad.data, atol=2e-6)


def test_a_rectifier_cuts_off_what_has_no_gradient():
    with np.errstate(all="ignore"):
        slope = whence.grad(lambda x: np.sum(np.sqrt(F.relu(x))))(np.array([-1.0, 4.0]))
    np.testing.assert_array_equal(slope, [0.0, 0.25])


def test_under_vmap():
    weight = np.array([0.1, 0.2, 0.3])
    for f in (F.softmax, F.log_softmax, F.gelu, F.relu, lambda x: F.prelu(x[None], weight)[0]):
        batch = normal(5, 4, 3)
        np.testing.assert_allclose(whence.vmap(f)(batch), np.stack([f(x) for x in batch]), rtol=1e-12)


def test_errors_name_the_remedy():
    with pytest.raises(ShapeError, match=r"odd length 3(.|\n)*test_activation\.py"):
        F.glu(np.ones((2, 3)))
    with pytest.raises(ShapeError, match=r"weights of shape \(2,\)(.|\n)*one for each channel"):
        F.prelu(np.ones((2, 3)), np.ones(2))
    with pytest.raises(WhenceError, match="approximate='fast'"):
        F.gelu(np.ones(2), "fast")
    with pytest.raises(WhenceError, match="axis"):
        F.softmax(Variable(np.ones(2)), 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_slope_of_gelu_where_the_value_has_lost_its_digits(dtype):
    x = np.zeros(40_000, dtype)
    places = [0, -1, 1e-31, -1e20, 1e20, np.nan]
    x[: len(places)] = places
    v = whence.Variable(x)
    F.gelu(v).backward(gradient=np.ones_like(x))
    slopes = v.grad.data
    np.testing.assert_allclose(slopes[:5], [0.5, -0.08331547, 0.5, 0, 1], rtol=1e-6)
    assert np.isnan(slopes[5])
    assert np.all(slopes[6:] == 0.5)
