"""Functions, layers and optimisers beside DeZero's own, where it is installed."""

from __future__ import annotations

import importlib
import warnings
from types import SimpleNamespace

import numpy as np
import pytest


def library(name: str) -> SimpleNamespace:
    parts = ["core", "functions", "layers", "models", "optimizers", "transforms", "utils"]
    return SimpleNamespace(**{part: importlib.import_module(f"{name}.{part}") for part in parts})


@pytest.fixture(scope="module")
def both():
    """Ours and DeZero's (which asks NumPy for names that it had before 1.24)."""
    vars(np)["int"] = int
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pytest.importorskip("dezero", exc_type=ImportError)
            theirs = library("dezero")
    finally:
        del vars(np)["int"]
    return library("whence.compat.dezero"), theirs


def drawn(*shape: int, low: float = -1.0) -> np.ndarray:
    return np.random.RandomState(sum(shape)).uniform(low, 1.0, shape)


LABELS = np.array([2, 0, 1, 1])
BITS = np.array([1.0, 0.0, 0.0, 1.0])

#: What to call with the functions of a library, and the arrays to call it with; twice where DeZero can.
FUNCTIONS = {
    "sin": (lambda F, x: F.sin(x), [drawn(2, 3)], 2),
    "cos": (lambda F, x: F.cos(x), [drawn(2, 3)], 2),
    "tanh": (lambda F, x: F.tanh(x), [drawn(2, 3)], 2),
    "exp": (lambda F, x: F.exp(x), [drawn(2, 3)], 2),
    "log": (lambda F, x: F.log(x), [drawn(2, 3, low=0.1)], 2),
    "add": (lambda F, x, y: F.add(x, y), [drawn(2, 3), drawn(3)], 2),
    "mul": (lambda F, x, y: F.mul(x, y), [drawn(2, 3), drawn(3)], 2),
    "sub": (lambda F, x, y: F.sub(x, y), [drawn(2, 3), drawn(2, 1)], 2),
    "rsub": (lambda F, x, y: F.rsub(x, y), [drawn(2, 3), drawn(2, 1)], 2),
    "div": (lambda F, x, y: F.div(x, y), [drawn(2, 3), drawn(3, low=0.2)], 2),
    "neg": (lambda F, x: F.neg(x), [drawn(2, 3)], 2),
    "pow": (lambda F, x: F.pow(x, 3), [drawn(2, 3)], 2),
    "scalars": (lambda F, x: 2 / (3 - x * 0.5) + 1 - x / 4, [drawn(2, 3)], 2),
    "reshape": (lambda F, x: F.reshape(x, (3, 2)) * x.reshape(3, 2), [drawn(2, 3)], 2),
    "transpose": (lambda F, x: F.transpose(x, (1, 2, 0)) ** 2, [drawn(2, 3, 4)], 2),
    "T": (lambda F, x: x.T * x.transpose(), [drawn(2, 3)], 2),
    "get_item": (lambda F, x: F.get_item(x, ([0, 1, 1], [2, 2, 0])) ** 2, [drawn(2, 3)], 2),
    "slices": (lambda F, x: x[1:, ::2] ** 2, [drawn(3, 4)], 2),
    "expand_dims": (lambda F, x: F.expand_dims(x, 1) ** 2, [drawn(2, 3)], 2),
    "flatten": (lambda F, x: F.flatten(x) ** 2, [drawn(2, 3, 2)], 2),
    "sum": (lambda F, x: F.sum(x * x, axis=1), [drawn(2, 3)], 2),
    "sum keepdims": (lambda F, x: F.sum(x * x, axis=0, keepdims=True), [drawn(2, 3)], 2),
    "sum_to": (lambda F, x: F.sum_to(x * x, (1, 3)), [drawn(4, 2, 3)], 2),
    "broadcast_to": (lambda F, x: F.broadcast_to(x, (4, 2, 3)) ** 2, [drawn(2, 1)], 2),
    "matmul": (lambda F, x, W: F.matmul(x, W), [drawn(2, 3), drawn(3, 4)], 2),
    "linear": (lambda F, x, W, b: F.linear(x, W, b), [drawn(2, 3), drawn(3, 4), drawn(4)], 2),
    "linear without b": (lambda F, x, W: F.linear(x, W), [drawn(2, 3), drawn(3, 4)], 1),
    "sigmoid": (lambda F, x: F.sigmoid(x), [drawn(2, 3)], 2),
    "relu": (lambda F, x: F.relu(x), [drawn(2, 3)], 1),
    "leaky_relu": (lambda F, x: F.leaky_relu(x, 0.3), [drawn(2, 3)], 1),
    "softmax": (lambda F, x: F.softmax(x), [drawn(4, 3)], 2),
    "softmax axis": (lambda F, x: F.softmax(x, axis=0), [drawn(4, 3)], 2),
    "log_softmax": (lambda F, x: F.log_softmax(x), [drawn(4, 3)], 2),
    "mean_squared_error": (lambda F, x, y: F.mean_squared_error(x, y), [drawn(4, 3), drawn(4, 1)], 0),
    "mse": (lambda F, x, y: F.mean_squared_error(x, y), [drawn(4, 3), drawn(4, 3) + 0.1], 2),
    "softmax_cross_entropy": (lambda F, x: F.softmax_cross_entropy(x, LABELS), [drawn(4, 3)], 1),
    "sigmoid_cross_entropy": (lambda F, x: F.sigmoid_cross_entropy(x, BITS), [drawn(4)], 2),
    "binary_cross_entropy": (lambda F, p: F.binary_cross_entropy(p, BITS), [drawn(4, low=0.1)], 2),
    "max": (lambda F, x: F.max(x, axis=1), [drawn(4, 3)], 1),
    "min": (lambda F, x: F.min(x, axis=0, keepdims=True), [drawn(4, 3)], 1),
    "clip": (lambda F, x: F.clip(x, -0.4, 0.5), [drawn(4, 3)], 1),
    "embed_id": (lambda F, W: F.embed_id(np.array([1, 1, 3]), W), [drawn(4, 3)], 1),
    "conv2d": (lambda F, *xs: F.conv2d(*xs, 2, 1), [drawn(2, 3, 7, 6), drawn(4, 3, 3, 2), drawn(4)], 1),
    "deconv2d": (lambda F, *xs: F.deconv2d(*xs, 2, 1), [drawn(2, 3, 4, 5), drawn(3, 2, 3, 4), drawn(2)], 1),
    "outsize": (
        lambda F, x, W: F.deconv2d(x, W, None, 2, 1, (8, 10)),
        [drawn(2, 3, 4, 5), drawn(3, 2, 3, 3)],
        1,
    ),
    "pooling": (lambda F, x: F.pooling(x, 3, 2, 1), [drawn(2, 3, 7, 6)], 1),
    "average_pooling": (lambda F, x: F.average_pooling(x, (2, 3), (1, 2), 1), [drawn(2, 3, 7, 6)], 0),
    "im2col": (lambda F, x: F.im2col(x, (2, 3), 2, 1) ** 2, [drawn(2, 3, 7, 6)], 2),
    "col2im": (lambda F, x: F.col2im(x, (2, 3, 7, 6), 3, 2, 1) ** 2, [drawn(24, 27)], 2),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_dezeros(both, name):
    f, arrays, orders = FUNCTIONS[name]
    results = []
    for lib in both:
        xs = [lib.core.Variable(x.copy()) for x in arrays]
        y = f(lib.functions, *xs)
        values = [y.data]
        if orders:
            lib.functions.sum(y * y if orders == 2 else y).backward(create_graph=orders == 2)
            values += [x.grad.data for x in xs]
        if orders == 2:
            gs = [x.grad for x in xs]
            for x in xs:
                x.cleargrad()
            total = 0
            for g in gs:
                total = total + lib.functions.sum(g * g)
            total.backward()
            values += [x.grad.data for x in xs if x.grad is not None]
        results.append(values)
    assert len(results[0]) == len(results[1])
    for ours, theirs in zip(*results, strict=True):
        assert np.shape(ours) == np.shape(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


#: Models of float64, and the shape of their input.
MODELS = {
    "Linear": (lambda lib: lib.layers.Linear(3, dtype=np.float64), (4, 5)),
    "nobias": (lambda lib: lib.layers.Linear(3, True, np.float64, 5), (4, 5)),
    "Conv2d": (lambda lib: lib.layers.Conv2d(3, 3, 2, 1, dtype=np.float64), (2, 2, 5, 6)),
    "Deconv2d": (lambda lib: lib.layers.Deconv2d(3, 4, 2, 1, dtype=np.float64), (2, 2, 3, 3)),
    "RNN": (lambda lib: lib.layers.RNN(4), (3, 2)),
    "LSTM": (lambda lib: lib.layers.LSTM(4), (3, 2)),
    "BatchNorm": (lambda lib: lib.layers.BatchNorm(), (6, 3)),
    "BatchNorm of images": (lambda lib: lib.layers.BatchNorm(), (2, 3, 4, 4)),
    "MLP": (lambda lib: lib.models.MLP((4, 3), lib.functions.tanh), (5, 2)),
    "Sequential": (
        lambda lib: lib.models.Sequential(lib.layers.Linear(4), lib.functions.relu, lib.layers.Linear(1)),
        (5, 2),
    ),
}

OPTIMIZERS = {
    "SGD": lambda lib: lib.optimizers.SGD(0.1),
    "MomentumSGD": lambda lib: lib.optimizers.MomentumSGD(0.05, 0.8),
    "AdaGrad": lambda lib: lib.optimizers.AdaGrad(0.05),
    "AdaDelta": lambda lib: lib.optimizers.AdaDelta(0.9, 1e-5),
    "Adam": lambda lib: lib.optimizers.Adam(0.02, 0.8, 0.9, 1e-7),
}


def weights(layer) -> dict[str, np.ndarray]:
    params: dict = {}
    layer._flatten_params(params)
    return {name: param.data for name, param in sorted(params.items())}


def updated(lib, model, optimizer, x, start) -> list:
    """Losses of ten updates from given weights, and the weights they lead to."""
    for _ in range(2):  # recurrent layers make the rest of their weights at the second call
        model(x)
    if hasattr(model, "reset_state"):
        model.reset_state()
    params: dict = {}
    model._flatten_params(params)
    if not start:
        random = np.random.RandomState(0)
        start.update({name: random.uniform(0.2, 1, param.shape) for name, param in sorted(params.items())})
    for name, param in params.items():
        param.data = start[name].copy()
    optimizer.setup(model)
    optimizer.add_hook(lib.optimizers.WeightDecay(0.01))
    optimizer.add_hook(lib.optimizers.ClipGrad(1.0))
    losses = []
    for _ in range(10):
        y = model(x)
        loss = lib.functions.mean_squared_error(y, np.ones(y.shape))
        model.cleargrads()
        loss.backward()
        if hasattr(model, "reset_state"):
            loss.unchain_backward()
        optimizer.update()
        losses.append(float(loss.data))
    return [losses, *weights(model).values()]


@pytest.mark.parametrize("name", MODELS)
def test_ten_updates_of_a_layer_are_dezeros(both, name):
    build, shape = MODELS[name]
    start: dict = {}
    ours, theirs = (updated(lib, build(lib), lib.optimizers.SGD(0.1), drawn(*shape), start) for lib in both)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_ten_updates_of_an_optimizer_are_dezeros(both, name):
    start: dict = {}
    ours, theirs = (
        updated(lib, MODELS["MLP"][0](lib), OPTIMIZERS[name](lib), drawn(5, 2), start) for lib in both
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def test_transforms_are_dezeros(both):
    picture = np.random.RandomState(0).randint(0, 255, (3, 5, 6))
    for make in (
        lambda t: t.Normalize(0.5, 2.0),
        lambda t: t.Normalize([1.0, 2.0, 3.0], [2.0, 1.0, 4.0]),
        lambda t: t.Flatten(),
        lambda t: t.Compose([t.AsType(np.float64), t.Flatten()]),
        lambda t: t.ToFloat(),
    ):
        ours, theirs = (make(lib.transforms)(picture.astype(float)) for lib in both)
        np.testing.assert_array_equal(ours, theirs)
