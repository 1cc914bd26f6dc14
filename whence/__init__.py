"""whence: every value knows whence it came.

Automatic differentiation and deep learning in pure Python, on NumPy.
"""

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from . import ops as ops
from . import testing as testing
from .config import enable_grad as enable_grad
from .config import no_grad as no_grad
from .core.function import Function as Function
from .core.variable import Variable as Variable
from .errors import WhenceError as WhenceError
from .explore.dot import to_dot as to_dot
from .explore.nonfinite import detect_nan as detect_nan
from .explore.nonfinite import find_nan as find_nan
from .ops.custom import primitive as primitive
from .transforms.forward import jvp as jvp
from .transforms.gradient import grad as grad
from .transforms.gradient import value_and_grad as value_and_grad
from .transforms.gradient import vjp as vjp
from .transforms.matrices import hessian as hessian
from .transforms.matrices import hvp as hvp
from .transforms.matrices import jacobian as jacobian
from .transforms.vmap import vmap as vmap

__version__ = "0.1.0"

if _TYPE_CHECKING:
    from . import scipy as scipy

#: Rooms that are opened when they are first asked for: they import what ``import whence`` need not.
_LATER = ("scipy",)


def __getattr__(name: str) -> _Any:
    if name in _LATER:
        return _importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
