"""ResNet: layers that learn what to add to their input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...random import Stream, default
from .. import functional as F
from ..containers import Sequential
from ..conv import Conv2d
from ..linear import Linear
from ..module import Module
from ..norm import BatchNorm2d
from ..pool import AdaptiveAvgPool2d, Flatten, MaxPool2d


class _Maker:
    """Makes layers of one type, drawn from one stream."""

    def __init__(self, dtype: Any, stream: Stream | None) -> None:
        self.dtype, self.stream = dtype, default if stream is None else stream

    def conv(self, channels: int, wider: int, kernel: int, stride: int = 1) -> Conv2d:
        """A convolution without bias; normal with the variance 2 / fan-out (He et al., 2015)."""
        layer = Conv2d(
            channels, wider, kernel, stride, kernel // 2, bias=False, dtype=self.dtype, stream=self.stream
        )
        deviation = math.sqrt(2 / (wider * kernel * kernel))
        weight = layer.weight
        weight.assign(self.stream.normal(weight.shape, 0.0, deviation, weight.dtype))
        return layer

    def norm(self, channels: int) -> BatchNorm2d:
        """A batch normalisation."""
        return BatchNorm2d(channels, dtype=self.dtype)


class BasicBlock(Module):
    """``relu(x + f(x))``: two 3 × 3 convolutions."""

    expansion = 1

    def __init__(self, make: _Maker, channels: int, width: int, stride: int) -> None:
        self.conv1, self.bn1 = make.conv(channels, width, 3, stride), make.norm(width)
        self.conv2, self.bn2 = make.conv(width, width, 3), make.norm(width)
        self.downsample = _shortcut(make, channels, width, stride)

    def forward(self, x: Any) -> Any:
        """(N, channels, H, W) to (N, width, H / stride, W / stride)."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(Module):
    """``relu(x + f(x))``: a 3 × 3 convolution of fewer channels, between two of 1 × 1.

    The stride is that of the 3 × 3 convolution, as in torchvision (in the paper, of the first).
    """

    expansion = 4

    def __init__(self, make: _Maker, channels: int, width: int, stride: int) -> None:
        wide = width * self.expansion
        self.conv1, self.bn1 = make.conv(channels, width, 1), make.norm(width)
        self.conv2, self.bn2 = make.conv(width, width, 3, stride), make.norm(width)
        self.conv3, self.bn3 = make.conv(width, wide, 1), make.norm(wide)
        self.downsample = _shortcut(make, channels, wide, stride)

    def forward(self, x: Any) -> Any:
        """(N, channels, H, W) to (N, 4 width, H / stride, W / stride)."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def _shortcut(make: _Maker, channels: int, wider: int, stride: int) -> Module | None:
    """What makes x fit where a block changes its shape; None where it does not."""
    if stride == 1 and channels == wider:
        return None
    return Sequential(make.conv(channels, wider, 1, stride), make.norm(wider))


class ResNet(Module):
    """A 7 × 7 convolution, four stages of blocks, the mean, a linear layer (He, Zhang, Ren and Sun, 2016).

    Args:
        block: :class:`BasicBlock` or :class:`Bottleneck`.
        counts: of blocks in each stage.
        num_classes: how many scores to give.
        in_channels: of the images.
        width: of the first stage; each stage has twice the channels of the one before.
        dtype, stream: of the parameters, and what they are drawn from.

    Shapes:
        x: (N, in_channels, H, W) (224 × 224 in the paper); y: (N, num_classes), scores. Parameters have
        torchvision's names: ``layer1.0.conv1.weight``, ``fc.bias``.

    Example:
        >>> import numpy as np
        >>> from whence.nn.models import resnet
        >>> small = resnet.ResNet(resnet.BasicBlock, [1, 1], num_classes=3, width=8)
        >>> small(np.zeros((2, 3, 32, 32), np.float32)).shape
        (2, 3)
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        counts: Sequence[int],
        num_classes: int = 1000,
        in_channels: int = 3,
        width: int = 64,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        make = _Maker(dtype, stream)
        self.conv1, self.bn1 = make.conv(in_channels, width, 7, 2), make.norm(width)
        self.maxpool = MaxPool2d(3, stride=2, padding=1)
        channels = width
        self._stages = [f"layer{i}" for i in range(1, len(counts) + 1)]
        for i, (name, count) in enumerate(zip(self._stages, counts, strict=True)):
            blocks: list[Module] = []
            for k in range(count):
                blocks.append(block(make, channels, width << i, 2 if i and k == 0 else 1))
                channels = (width << i) * block.expansion
            setattr(self, name, Sequential(*blocks))
        self.avgpool, self.flatten = AdaptiveAvgPool2d(1), Flatten()
        self.fc = Linear(channels, num_classes, dtype=dtype, stream=stream)

    def forward(self, x: Any) -> Any:
        """The scores of the classes."""
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))  # (N, 64, H/4, W/4)
        for name in self._stages:
            x = getattr(self, name)(x)  # (N, 64, H/4, W/4) ... (N, 512 or 2048, H/32, W/32)
        return self.fc(self.flatten(self.avgpool(x)))


def resnet18(num_classes: int = 1000, **options: Any) -> ResNet:
    """11.7 million parameters."""
    return ResNet(BasicBlock, [2, 2, 2, 2], num_classes, **options)


def resnet34(num_classes: int = 1000, **options: Any) -> ResNet:
    """21.8 million parameters."""
    return ResNet(BasicBlock, [3, 4, 6, 3], num_classes, **options)


def resnet50(num_classes: int = 1000, **options: Any) -> ResNet:
    """25.6 million parameters."""
    return ResNet(Bottleneck, [3, 4, 6, 3], num_classes, **options)


def resnet101(num_classes: int = 1000, **options: Any) -> ResNet:
    """44.5 million parameters."""
    return ResNet(Bottleneck, [3, 4, 23, 3], num_classes, **options)


def resnet152(num_classes: int = 1000, **options: Any) -> ResNet:
    """60.2 million parameters."""
    return ResNet(Bottleneck, [3, 8, 36, 3], num_classes, **options)
