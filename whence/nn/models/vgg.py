"""VGG: 3 × 3 convolutions, many of them, one after the other."""

from __future__ import annotations

from typing import Any

from ...random import Stream
from ..activation import ReLU
from ..containers import Sequential
from ..conv import Conv2d
from ..dropout import Dropout
from ..linear import Linear
from ..module import Module
from ..norm import BatchNorm2d
from ..pool import AdaptiveAvgPool2d, Flatten, MaxPool2d

#: Channels of the convolutions, stage by stage; after each stage the images are halved.
LAYOUTS = {
    11: [[64], [128], [256, 256], [512, 512], [512, 512]],
    13: [[64, 64], [128, 128], [256, 256], [512, 512], [512, 512]],
    16: [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]],
    19: [[64, 64], [128, 128], [256] * 4, [512] * 4, [512] * 4],
}


class VGG(Module):
    """Stages of 3 × 3 convolutions and pooling, then three layers (Simonyan and Zisserman, 2015).

    Args:
        layout: for each stage the channels of its convolutions.
        num_classes: how many scores to give.
        batch_norm: normalise after each convolution?
        dropout: the probability of dropping a unit of the last layers, in training.
        in_channels: of the images.
        width: of the two layers before the last.
        dtype, stream: of the parameters, and what they are drawn from.

    Shapes:
        x: (N, in_channels, H, W) with H and W from 32 on (224 in the paper); y: (N, num_classes), scores.

    Example:
        >>> import numpy as np
        >>> from whence.nn.models import VGG
        >>> small = VGG([[4], [8, 8]], num_classes=3, width=16)
        >>> small(np.zeros((2, 3, 32, 32), np.float32)).shape
        (2, 3)
    """

    def __init__(
        self,
        layout: list[list[int]],
        num_classes: int = 1000,
        batch_norm: bool = False,
        dropout: float = 0.5,
        in_channels: int = 3,
        width: int = 4096,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        layers: list[Module] = []
        channels = in_channels
        for stage in layout:
            for wider in stage:
                layers.append(Conv2d(channels, wider, 3, padding=1, dtype=dtype, stream=stream))
                if batch_norm:
                    layers.append(BatchNorm2d(wider, dtype=dtype))
                layers.append(ReLU())
                channels = wider
            layers.append(MaxPool2d(2))
        self.features = Sequential(*layers)
        self.avgpool = AdaptiveAvgPool2d(7)
        self.flatten = Flatten()
        self.classifier = Sequential(
            Linear(channels * 7 * 7, width, dtype=dtype, stream=stream),
            ReLU(),
            Dropout(dropout),
            Linear(width, width, dtype=dtype, stream=stream),
            ReLU(),
            Dropout(dropout),
            Linear(width, num_classes, dtype=dtype, stream=stream),
        )

    def forward(self, x: Any) -> Any:
        """The scores of the classes."""
        x = self.avgpool(self.features(x))  # (N, C, 7, 7)
        return self.classifier(self.flatten(x))


def vgg16(num_classes: int = 1000, batch_norm: bool = False, **options: Any) -> VGG:
    """The network of 16 layers with parameters; ``VGG(LAYOUTS[n])`` for 11, 13 or 19.

    Its parameters have torchvision's names: ``features.0.weight``, ``classifier.6.bias``.
    """
    return VGG(LAYOUTS[16], num_classes, batch_norm, **options)
