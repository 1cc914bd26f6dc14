"""Initialisers: spread, structure, reproducible, into parameters."""

from __future__ import annotations

import math

import numpy as np
import pytest

from whence import nn
from whence.errors import ShapeError, WhenceError
from whence.nn import init
from whence.random import Stream

WIDE = (120, 60, 3, 3)
IN, OUT = 540, 1080
LEAKY = math.sqrt(2 / (1 + 0.2**2))

#: Options, the standard deviation, and the bound of the values (None: none).
DRAWN = {
    "uniform": ({"a": -0.5, "b": 1.5}, 2 / math.sqrt(12), 1.5),
    "normal": ({"mean": 0.0, "std": 0.3}, 0.3, None),
    "trunc_normal": ({"std": 5.0, "a": -1.0, "b": 1.0}, 1 / math.sqrt(3), 1.0),
    "xavier_uniform": ({"gain": 2.0}, 2 * math.sqrt(2 / (IN + OUT)), 2 * math.sqrt(6 / (IN + OUT))),
    "xavier_normal": ({}, math.sqrt(2 / (IN + OUT)), None),
    "kaiming_uniform": ({"a": 0.2}, LEAKY / math.sqrt(IN), LEAKY * math.sqrt(3 / IN)),
    "kaiming_normal": ({"mode": "fan_out", "nonlinearity": "relu"}, math.sqrt(2 / OUT), None),
    "lecun_uniform": ({}, math.sqrt(1 / IN), math.sqrt(3 / IN)),
    "lecun_normal": ({}, math.sqrt(1 / IN), None),
}


@pytest.mark.parametrize("name", DRAWN)
def test_spread_bounds_dtype_and_seed(name):
    options, std, bound = DRAWN[name]
    draw = init.by_name(name)
    x = draw(WIDE, **options, stream=Stream(1), dtype=np.float64)
    assert abs(np.std(x) / std - 1) < 0.02
    assert bound is None or np.max(np.abs(x)) <= bound
    np.testing.assert_array_equal(x, draw(WIDE, **options, stream=Stream(1), dtype=np.float64))
    assert draw(WIDE, **options).dtype == np.float32


@pytest.mark.parametrize("name", DRAWN)
def test_into_a_parameter(name):
    options, _, _ = DRAWN[name]
    p = nn.Parameter(np.zeros(WIDE, np.float32))
    assert getattr(init, f"{name}_")(p, **options, stream=Stream(2)) is p
    np.testing.assert_array_equal(
        p.data, init.by_name(name)(WIDE, **options, stream=Stream(2), dtype=np.float32)
    )


def test_plain_ones():
    assert np.all(init.constant((2, 3), 7.0) == 7)
    assert not np.any(init.zeros((2, 3)))
    assert np.all(init.ones((2, 3), dtype=np.float64) == 1)
    np.testing.assert_array_equal(init.eye((2, 3)), np.eye(2, 3))
    layer = nn.Linear(3, 2)
    init.zeros_(layer.bias)
    init.constant_(layer.weight, 2.0)
    init.eye_(layer.weight)
    np.testing.assert_array_equal(layer(np.ones((1, 3), np.float32)).data, [[1, 1]])


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (2, 3, 2)])
def test_orthogonal(shape):
    w = init.orthogonal(shape, gain=2.0, stream=Stream(1), dtype=np.float64).reshape(shape[0], -1)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)


def test_sparse_and_dirac():
    w = init.sparse((10, 6), 0.25, stream=Stream(1))
    np.testing.assert_array_equal(np.sum(w == 0, 0), 3)
    w = init.dirac((4, 2, 3, 3), groups=2)
    assert w.sum() == 4
    np.testing.assert_array_equal(w[:, :, 1, 1], [[1, 0], [0, 1], [1, 0], [0, 1]])


@pytest.mark.parametrize("shape", [(4, 2, 3, 3), (2, 5, 4)])
def test_dirac_is_pytorchs(shape):
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(init.dirac(shape, 2), torch.nn.init.dirac_(torch.zeros(shape), 2))


NAMES = ["linear", "conv2d", "conv_transpose1d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]


@pytest.mark.parametrize("name", NAMES)
def test_gains_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    assert init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name), rel=1e-12)


def test_errors():
    with pytest.raises(WhenceError, match=r"no initialiser is called 'he'(.|\n)*kaiming_normal"):
        init.by_name("he")
    with pytest.raises(ShapeError, match=r"fan-in and fan-out of shape \(3,\)(.|\n)*test_init\.py"):
        init.xavier_uniform((3,))
    with pytest.raises(WhenceError, match="no gain for 'gelu'"):
        init.calculate_gain("gelu")
    with pytest.raises(WhenceError, match="no mode 'fan'"):
        init.kaiming_normal((3, 4), mode="fan")
    with pytest.raises(ShapeError, match="it makes matrices"):
        init.eye((3,))
    with pytest.raises(ShapeError, match="groups divides out"):
        init.dirac((3, 2, 3), groups=2)
    with pytest.raises(ShapeError, match="not known yet"):
        init.zeros_(nn.Linear(None, 2).weight)
