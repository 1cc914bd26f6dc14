"""DeZero's models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.origin import called_at
from ...errors import ShapeError
from . import functions as F
from . import layers as L
from . import utils


class Model(L.Layer):
    """A layer that can draw itself."""

    def plot(self, *inputs: Any, to_file: str = "model.png") -> None:
        """Draw the graph of the output for these inputs (with Graphviz)."""
        utils.plot_dot_graph(self.forward(*inputs), verbose=True, to_file=to_file)


class Sequential(Model):
    """One layer after the other; functions may stand among them."""

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        super().__init__()
        self.layers = list(layers)
        for i, layer in enumerate(layers):
            setattr(self, f"l{i}", layer)

    def forward(self, x: Any) -> Any:
        """The last layer's result."""
        for layer in self.layers:
            x = layer(x)
        return x


class MLP(Model):
    """Linear layers of these sizes with an activation between them."""

    def __init__(self, fc_output_sizes: Any, activation: Callable[[Any], Any] = F.sigmoid) -> None:
        super().__init__()
        self.activation = activation
        self.layers = [L.Linear(size) for size in fc_output_sizes]
        for i, layer in enumerate(self.layers):
            setattr(self, f"l{i}", layer)

    def forward(self, x: Any) -> Any:
        """The last layer's result."""
        *inner, last = self.layers
        for layer in inner:
            x = self.activation(layer(x))
        return last(x)


class VGG16(Model):
    """VGG with 16 layers (Simonyan and Zisserman, 2015), for images (N, 3, 224, 224) and 1000 classes.

    Args:
        pretrained: read the weights from ``vgg16.npz`` (see :func:`.utils.get_file`).
    """

    WEIGHTS_PATH = "https://github.com/koki0702/dezero-models/releases/download/v0.1/vgg16.npz"
    BLOCKS = ((1, 2, 64), (2, 2, 128), (3, 3, 256), (4, 3, 512), (5, 3, 512))

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        for block, count, channels in self.BLOCKS:
            for i in range(count):
                setattr(self, f"conv{block}_{i + 1}", L.Conv2d(channels, kernel_size=3, stride=1, pad=1))
        self.fc6, self.fc7, self.fc8 = L.Linear(4096), L.Linear(4096), L.Linear(1000)
        if pretrained:
            self.load_weights(utils.get_file(self.WEIGHTS_PATH))

    def forward(self, x: Any) -> Any:
        """Logits (N, 1000)."""
        for block, count, _ in self.BLOCKS:
            for i in range(count):
                x = F.relu(getattr(self, f"conv{block}_{i + 1}")(x))
            x = F.pooling(x, 2, 2)
        x = F.dropout(F.relu(self.fc6(F.flatten(x))))
        return self.fc8(F.dropout(F.relu(self.fc7(x))))

    @staticmethod
    def preprocess(image: Any, size: tuple[int, int] = (224, 224), dtype: Any = np.float32) -> np.ndarray:
        """A PIL image as (3, H, W), blue first, without ImageNet's mean."""
        image = image.convert("RGB")
        pixels = np.asarray(image.resize(size) if size else image, dtype)
        return (pixels[:, :, ::-1] - np.array([103.939, 116.779, 123.68], dtype)).transpose(2, 0, 1)


class ResNet(Model):
    """Residual networks (He, Zhang, Ren and Sun, 2016), for images (N, 3, H, W) and 1000 classes.

    Args:
        n_layers: 50, 101 or 152.
        pretrained: read the weights from ``resnet50.npz`` and so on (see :func:`.utils.get_file`).

    Raises:
        ShapeError: another number of layers.
    """

    WEIGHTS_PATH = "https://github.com/koki0702/dezero-models/releases/download/v0.1/resnet{}.npz"
    BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}  # noqa: RUF012

    def __init__(self, n_layers: int = 152, pretrained: bool = False) -> None:
        super().__init__()
        if n_layers not in self.BLOCKS:
            raise ShapeError(f"ResNet has 50, 101 or 152 layers, not {n_layers}{called_at()}")
        counts = self.BLOCKS[n_layers]
        self.conv1 = L.Conv2d(64, 7, 2, 3)
        self.bn1 = L.BatchNorm()
        self.res2 = BuildingBlock(counts[0], 64, 256, 1)
        self.res3 = BuildingBlock(counts[1], 128, 512, 2)
        self.res4 = BuildingBlock(counts[2], 256, 1024, 2)
        self.res5 = BuildingBlock(counts[3], 512, 2048, 2)
        self.fc6 = L.Linear(1000)
        if pretrained:
            self.load_weights(utils.get_file(self.WEIGHTS_PATH.format(n_layers)))

    def forward(self, x: Any) -> Any:
        """Logits (N, 1000)."""
        x = F.pooling(F.relu(self.bn1(self.conv1(x))), kernel_size=3, stride=2)
        x = self.res5(self.res4(self.res3(self.res2(x))))
        return self.fc6(F.mean(x, axis=(2, 3)))


class ResNet152(ResNet):
    """152 layers."""

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__(152, pretrained)


class ResNet101(ResNet):
    """101 layers."""

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__(101, pretrained)


class ResNet50(ResNet):
    """50 layers."""

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__(50, pretrained)


class BuildingBlock(L.Layer):
    """Bottlenecks in a row, of which the first changes the number of channels and the size."""

    def __init__(self, n_layers: int, mid_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.a = BottleneckA(mid_channels, out_channels, stride)
        self.names = [f"b{i + 1}" for i in range(n_layers - 1)]
        for name in self.names:
            setattr(self, name, BottleneckB(mid_channels, out_channels))

    def forward(self, x: Any) -> Any:
        """The last one's result."""
        x = self.a(x)
        for name in self.names:
            x = getattr(self, name)(x)
        return x


class BottleneckB(L.Layer):
    """``relu(x + f(x))``, where f is three convolutions: 1 × 1, 3 × 3, 1 × 1."""

    def __init__(self, mid_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.bn1 = L.Conv2d(mid_channels, 1, stride, 0, nobias=True), L.BatchNorm()
        self.conv2, self.bn2 = L.Conv2d(mid_channels, 3, 1, 1, nobias=True), L.BatchNorm()
        self.conv3, self.bn3 = L.Conv2d(out_channels, 1, 1, 0, nobias=True), L.BatchNorm()

    def shortcut(self, x: Any) -> Any:
        """What the three convolutions are added to."""
        return x

    def forward(self, x: Any) -> Any:
        """``relu(x + f(x))``."""
        h = F.relu(self.bn1(self.conv1(x)))
        h = F.relu(self.bn2(self.conv2(h)))
        return F.relu(self.bn3(self.conv3(h)) + self.shortcut(x))


class BottleneckA(BottleneckB):
    """A bottleneck whose shortcut is a convolution: it may change channels and size."""

    def __init__(self, mid_channels: int, out_channels: int, stride: int = 2) -> None:
        super().__init__(mid_channels, out_channels, stride)
        self.conv4, self.bn4 = L.Conv2d(out_channels, 1, stride, 0, nobias=True), L.BatchNorm()

    def shortcut(self, x: Any) -> Any:
        """A 1 × 1 convolution."""
        return self.bn4(self.conv4(x))
