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
from .transforms.checkpoint import checkpoint as checkpoint
from .transforms.elementwise import deriv as deriv
from .transforms.elementwise import elementwise_grad as elementwise_grad
from .transforms.elementwise import holomorphic_grad as holomorphic_grad
from .transforms.elementwise import stop_gradient as stop_gradient
from .transforms.forward import jvp as jvp
from .transforms.gradient import grad as grad
from .transforms.gradient import value_and_grad as value_and_grad
from .transforms.gradient import vjp as vjp
from .transforms.matrices import hessian as hessian
from .transforms.matrices import hvp as hvp
from .transforms.matrices import jacobian as jacobian
from .transforms.products import fisher_vp as fisher_vp
from .transforms.products import ggnvp as ggnvp
from .transforms.products import linearize as linearize
from .transforms.vmap import vmap as vmap

__version__ = "0.1.0"

if _TYPE_CHECKING:
    from . import scipy as scipy
    from .transforms.implicit import fixed_point_of as fixed_point_of
    from .transforms.implicit import implicit_root as implicit_root
    from .transforms.implicit import root_of as root_of

#: What is opened when it is first asked for, since it imports what ``import whence`` need not: rooms,
#: and names with the room that they are in.
_LATER = {
    "fixed_point_of": "transforms.implicit",
    "implicit_root": "transforms.implicit",
    "root_of": "transforms.implicit",
    "scipy": "",
}


def __getattr__(name: str) -> _Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = _LATER[name]
    if not room:
        return _importlib.import_module(f".{name}", __name__)
    return getattr(_importlib.import_module(f".{room}", __name__), name)
