"""whence: every value knows whence it came.

Automatic differentiation and deep learning in pure Python, on NumPy.
"""

from . import testing as testing
from .config import enable_grad as enable_grad
from .config import no_grad as no_grad
from .core.function import Function as Function
from .core.variable import Variable as Variable
from .errors import WhenceError as WhenceError
from .explore.dot import to_dot as to_dot
from .explore.nonfinite import detect_nan as detect_nan
from .explore.nonfinite import find_nan as find_nan
from .ops import (
    elementwise as _elementwise,  # noqa: F401  (importing an op registers it)
)
from .ops import (
    index as _index,  # noqa: F401
)
from .ops import (
    join as _join,  # noqa: F401
)
from .ops import (
    linalg as _linalg,  # noqa: F401
)
from .ops import (
    norm as _norm,  # noqa: F401
)
from .ops import (
    plain as _plain,  # noqa: F401
)
from .ops import (
    reduction as _reduction,  # noqa: F401
)
from .ops import (
    shape as _shape,  # noqa: F401
)
from .ops.custom import primitive as primitive
from .transforms.forward import jvp as jvp
from .transforms.gradient import grad as grad
from .transforms.gradient import value_and_grad as value_and_grad
from .transforms.gradient import vjp as vjp
from .transforms.matrices import hessian as hessian
from .transforms.matrices import hvp as hvp
from .transforms.matrices import jacobian as jacobian

__version__ = "0.1.0"
