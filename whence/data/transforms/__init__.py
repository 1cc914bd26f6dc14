"""Transforms of items: what a loader does with an input before it goes into a batch.

Those that draw random numbers take a stream: ``transform(x, stream)``; a loader gives each item its own.
Images are (C, H, W) or (H, W). Those with ``many`` treat a whole batch in one call.
"""

from .distort import ColorJitter as ColorJitter
from .distort import RandomErasing as RandomErasing
from .distort import RandomResizedCrop as RandomResizedCrop
from .distort import RandomRotation as RandomRotation
from .images import CenterCrop as CenterCrop
from .images import Pad as Pad
from .images import RandomCrop as RandomCrop
from .images import RandomHorizontalFlip as RandomHorizontalFlip
from .images import Resize as Resize
from .values import AsType as AsType
from .values import Compose as Compose
from .values import Flatten as Flatten
from .values import Lambda as Lambda
from .values import Normalize as Normalize
from .values import OneHot as OneHot
from .values import ToArray as ToArray
from .values import ToFloat as ToFloat
