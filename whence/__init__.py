"""whence: every value knows whence it came.

Automatic differentiation and deep learning in pure Python, on NumPy.
"""

from . import testing as testing
from .config import enable_grad as enable_grad, no_grad as no_grad
from .core.function import Function as Function
from .core.variable import Variable as Variable
from .errors import WhenceError as WhenceError
from .explore.dot import to_dot as to_dot
from .explore.nonfinite import detect_nan as detect_nan, find_nan as find_nan
from .ops import (
    elementwise as _elementwise,  # noqa: F401  (importing an op registers it)
    index as _index,  # noqa: F401
    join as _join,  # noqa: F401
    linalg as _linalg,  # noqa: F401
    norm as _norm,  # noqa: F401
    plain as _plain,  # noqa: F401
    reduction as _reduction,  # noqa: F401
    shape as _shape,  # noqa: F401
)
from .ops.custom import primitive as primitive
from .transforms.forward import jvp as jvp
from .transforms.gradient import grad as grad, value_and_grad as value_and_grad, vjp as vjp
from .transforms.matrices import hessian as hessian, hvp as hvp, jacobian as jacobian

__version__ = "0.1.0"
