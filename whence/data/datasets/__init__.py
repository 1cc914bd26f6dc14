"""Data sets that are made, that come with scikit-learn, or that are read from files on your disk.

Nothing is downloaded unless it is asked for: ``mnist(folder, download=True)``.
"""

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .cifar import cifar10 as cifar10
from .cifar import cifar100 as cifar100
from .csv import read_csv as read_csv
from .idx import fashion_mnist as fashion_mnist
from .idx import mnist as mnist
from .idx import read_idx as read_idx
from .made import SinCurve as SinCurve
from .made import Spiral as Spiral

if _TYPE_CHECKING:
    from .bundled import breast_cancer as breast_cancer
    from .bundled import diabetes as diabetes
    from .bundled import digits as digits
    from .bundled import iris as iris
    from .bundled import wine as wine

_BUNDLED = ("breast_cancer", "diabetes", "digits", "iris", "wine")  # they need an extra


def __getattr__(name: str) -> _Any:
    if name not in _BUNDLED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_importlib.import_module(".bundled", __name__), name)
