"""Layers, activations and losses as functions, with PyTorch's names: ``import whence.nn.functional as F``."""

from .functions.adaptive import adaptive_avg_pool1d as adaptive_avg_pool1d
from .functions.adaptive import adaptive_avg_pool2d as adaptive_avg_pool2d
from .functions.adaptive import adaptive_avg_pool3d as adaptive_avg_pool3d
from .functions.adaptive import adaptive_max_pool1d as adaptive_max_pool1d
from .functions.adaptive import adaptive_max_pool2d as adaptive_max_pool2d
from .functions.adaptive import adaptive_max_pool3d as adaptive_max_pool3d
from .functions.conv import conv1d as conv1d
from .functions.conv import conv2d as conv2d
from .functions.conv import conv3d as conv3d
from .functions.conv import conv_transpose1d as conv_transpose1d
from .functions.conv import conv_transpose2d as conv_transpose2d
from .functions.conv import conv_transpose3d as conv_transpose3d
from .functions.linear import linear as linear
from .functions.pool import avg_pool1d as avg_pool1d
from .functions.pool import avg_pool2d as avg_pool2d
from .functions.pool import avg_pool3d as avg_pool3d
from .functions.pool import fold as fold
from .functions.pool import max_pool1d as max_pool1d
from .functions.pool import max_pool2d as max_pool2d
from .functions.pool import max_pool3d as max_pool3d
from .functions.pool import unfold as unfold
from .functions.resize import interpolate as interpolate
from .functions.resize import pixel_shuffle as pixel_shuffle
from .functions.resize import pixel_unshuffle as pixel_unshuffle
