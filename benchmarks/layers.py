"""Single layers, eager: convolutions and pooling, values and gradients, against PyTorch eager."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from whence.ops import conv, pool
from whence.ops.window import Window

from .harness import Contender, Row
from .peers import torch


class Layer(NamedTuple):
    """A convolution of square images by square kernels."""

    batch: int
    channels: int
    outputs: int
    size: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1

    @property
    def title(self) -> str:
        """As rows are called."""
        how = f"{self.channels}→{self.outputs}, {self.size}×{self.size}, {self.kernel}×{self.kernel}"
        more = f"/{self.stride}" if self.stride > 1 else ""
        return f"layer: convolution {how}{more}, batch {self.batch}{', depthwise' * (self.groups > 1)}"

    @property
    def window(self) -> Window:
        """As ops take it."""
        n, k, s, p = self.size, self.kernel, self.stride, self.padding
        return Window((n, n), (k, k), (s, s), ((p, p), (p, p)), (1, 1))


#: Of the CNN of the training step, of LeNet, of ResNet-18 on 32 × 32, of a depthwise net.
LAYERS = (
    Layer(64, 1, 32, 28, 3),
    Layer(64, 32, 64, 26, 3),
    Layer(64, 6, 16, 14, 5),
    Layer(64, 3, 64, 32, 3, 1, 1),
    Layer(16, 64, 64, 32, 3, 1, 1),
    Layer(16, 64, 128, 32, 3, 2, 1),
    Layer(16, 256, 256, 8, 3, 1, 1),
    Layer(16, 512, 512, 4, 3, 1, 1),
    Layer(16, 64, 128, 32, 1, 2),
    Layer(16, 32, 32, 32, 3, 1, 1, 32),
)


def _last(shape: tuple[int, ...]) -> Any:
    """Random images (N, C, H, W), channels last in memory, as layers leave them."""
    n, c, *size = shape
    drawn = np.random.default_rng(0).normal(size=(n, *size, c)).astype(np.float32)
    return np.moveaxis(drawn, -1, 1)


def convolution(layer: Layer, what: str, title: str) -> Row:
    """The value of a convolution (forward), or one of its gradients (dX, dW)."""
    window = layer.window
    x = _last((layer.batch, layer.channels, *window.size))
    g = _last((layer.batch, layer.outputs, *window.counts))
    shape = (layer.outputs, layer.channels // layer.groups, *window.kernel)
    w = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    how = {"window": window, "groups": layer.groups}
    ours: dict[str, Contender] = {
        "forward": lambda: conv.convolution.forward(x, w, **how),
        "dX": lambda: conv.transposed.forward(g, w, **how),
        "dW": lambda: conv.kernel.forward(x, g, **how),
    }
    contenders = {"whence": ours[what]}
    if torch is not None:
        tx, tw, tg = (torch.tensor(np.ascontiguousarray(a)) for a in (x, w, g))
        s, p = [layer.stride] * 2, [layer.padding] * 2

        def theirs() -> Any:
            with torch.no_grad():
                if what == "forward":
                    return torch.nn.functional.conv2d(tx, tw, None, s, p, 1, layer.groups)
                mask = [what == "dX", what == "dW", False]
                back = torch.ops.aten.convolution_backward
                return back(tg, tx, tw, None, s, p, [1, 1], False, [0, 0], layer.groups, mask)

        contenders["torch"] = theirs
    return Row(title, contenders, {"torch": 1.2}, 21, 0.03)


def pooling(size: int, stride: int, padding: int, title: str) -> Row:
    """Max pooling and its gradient."""
    window = Window((24, 24), (size, size), (stride, stride), ((padding, padding),) * 2, (1, 1))
    x, g = _last((64, 64, 24, 24)), _last((64, 64, *window.counts))

    def ours() -> Any:
        y = pool.maximum.forward(x, window=window)
        return pool.unmax.forward(g, x, y, window=window)

    contenders: dict[str, Contender] = {"whence": ours}
    if torch is not None:
        tx, tg = torch.tensor(np.ascontiguousarray(x)).requires_grad_(), torch.tensor(np.ascontiguousarray(g))

        def theirs() -> Any:
            y = torch.nn.functional.max_pool2d(tx, size, stride, padding)
            return torch.autograd.grad(y, tx, tg)

        contenders["torch"] = theirs
    return Row(title, contenders, {"torch": 1.0}, 21, 0.03)


def rows() -> dict[str, Callable[[str], Row]]:
    """All rows of this file by title."""
    found: dict[str, Callable[[str], Row]] = {
        f"{layer.title}, {what}": partial(convolution, layer, what)
        for layer in LAYERS
        for what in ("forward", "dX", "dW")
    }
    for size, stride, padding in ((2, 2, 0), (3, 2, 1)):
        title = f"layer: max pooling {size}×{size}/{stride}, 64 × 64 × 24 × 24, forward and backward"
        found[title] = partial(pooling, size, stride, padding)
    return found
