"""LeNet-5: the network that read cheques."""

from __future__ import annotations

from typing import Any

from ...random import Stream
from .. import functional as F
from ..conv import Conv2d
from ..linear import Linear
from ..module import Module
from ..pool import Flatten


class LeNet(Module):
    """Two convolutions, each followed by pooling, then three layers (LeCun, Bottou, Bengio, Haffner, 1998).

    With rectified units and the largest elements of windows in place of the paper's sigmoids and means.

    Args:
        num_classes: how many scores to give.
        in_channels: of the images; None to learn it from the first ones.
        dtype, stream: of the parameters, and what they are drawn from.

    Shapes:
        x: (N, in_channels, H, W) with H and W from 12 on, the same from call to call (28 for handwritten
        digits); y: (N, num_classes), scores.

    Example:
        >>> import numpy as np
        >>> from whence.nn.models import LeNet
        >>> LeNet()(np.zeros((2, 1, 28, 28), np.float32)).shape
        (2, 10)
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int | None = 1,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        self.conv1 = Conv2d(in_channels, 6, 5, padding=2, dtype=dtype, stream=stream)
        self.conv2 = Conv2d(6, 16, 5, dtype=dtype, stream=stream)
        self.flatten = Flatten()
        self.fc1 = Linear(None, 120, dtype=dtype, stream=stream)  # 400 of an image of 28 × 28
        self.fc2 = Linear(120, 84, dtype=dtype, stream=stream)
        self.fc3 = Linear(84, num_classes, dtype=dtype, stream=stream)

    def forward(self, x: Any) -> Any:
        """The scores of the classes."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # (N, 6, H/2, W/2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # (N, 16, H/4 - 2, W/4 - 2)
        x = F.relu(self.fc1(self.flatten(x)))
        x = F.relu(self.fc2(x))
        return self.fc3(x)
