"""Programs of convolutions store images channels last, and give what they gave."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import whence
from whence import nn
from whence.compiler.channels import Last, channels_last
from whence.compiler.interpret import Interpreter
from whence.compiler.passes import optimized
from whence.ops import conv, pool
from whence.ops.window import Window

from .programs import Writing


def layers() -> Any:
    """Two convolutions, rectified, with pooling and a sum over each channel."""
    w = Writing()
    x, first, second = w.take(2, 3, 10, 10), w.take(8, 3, 3, 3), w.take(9, 8, 3, 3)
    one = Window((10, 10), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))
    h = w(np.maximum, w(conv.convolution, x, first, window=one, groups=1), 0)
    h = w(np.multiply, w(conv.convolution, h, second, window=one, groups=1), np.float32(0.5))
    h = w(np.add, h, w(np.sum, h, axis=(0, 2, 3), keepdims=True))
    y = w(pool.maximum, h, window=Window((10, 10), (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)))
    back = w(conv.kernel, x, h, window=one, groups=1)
    return w.graph(y, w(np.sum, h, axis=(0, 2, 3), keepdims=False), back)


def test_transposes_vanish() -> None:
    """Only the images that come in and go out are looked at in another order."""
    before = layers()
    after = optimized(channels_last(before), check=True)
    turned = [node for node in after.nodes if node.function is np.transpose]
    assert len(turned) == 2
    assert sum(isinstance(node.function, Last) for node in after.nodes) == 4
    assert "max pooling" in str(after)
    rng = np.random.default_rng(0)
    given = [rng.normal(size=v.shape).astype(v.dtype) for v in before.inputs]
    for got, right in zip(Interpreter(after)(given), Interpreter(before)(given), strict=True):
        np.testing.assert_allclose(got, right, rtol=2e-4, atol=2e-4)


def test_others_are_left() -> None:
    """A program without images is the same program."""
    w = Writing()
    x = w.take(2, 3, 4, 4)
    graph = w.graph(w(np.exp, w(np.sum, x, axis=(1,), keepdims=True)))
    assert channels_last(graph) is graph


def block(channels: int) -> Any:
    """A residual block."""
    return nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU())


NETWORKS: dict[str, Callable[[], Any]] = {
    "batch norm": lambda: nn.Sequential(block(4), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(64, 3)),
    "strided, groups": lambda: nn.Sequential(nn.Conv2d(4, 8, 3, 2, 1, groups=2), nn.GELU(), nn.Flatten()),
    "transposed": lambda: nn.Sequential(nn.ConvTranspose2d(4, 5, 3, 2), nn.Tanh(), nn.MaxPool2d(3, 2, 1)),
    "pointwise": lambda: nn.Sequential(nn.Conv2d(4, 20, 1), nn.ReLU(), nn.Conv2d(20, 4, 1), nn.Softmax(1)),
}


@pytest.mark.parametrize("size", [2, 24])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, size: int) -> None:
    """Values and gradients as without compile, small (NumPy's) and large (native kernels)."""
    model = NETWORKS[name]()
    x = np.random.default_rng(1).normal(size=(size, 4, 8, 8)).astype(np.float32)

    def step(x: Any) -> Any:
        model.zero_grad()
        y = model(x)
        loss = np.sum(y * y)
        loss.backward()
        return y.data, [p.grad.data for p in model.parameters()]

    value, grads = step(x)
    stepping = whence.compile(step)
    for _ in range(3):
        again, found = stepping(x)  # statistics of batches do not change training's values
        np.testing.assert_allclose(again, value, rtol=3e-4, atol=3e-4)
        for got, right in zip(found, grads, strict=True):
            np.testing.assert_allclose(got, right, rtol=3e-4, atol=3e-4 * max(1, np.max(abs(right))))
