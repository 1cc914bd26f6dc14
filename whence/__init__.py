"""whence: every value knows whence it came."""

from . import ops as ops
from .config import enable_grad as enable_grad
from .config import no_grad as no_grad
from .core.function import Function as Function
from .core.variable import Variable as Variable
from .errors import WhenceError as WhenceError
from .ops import elementwise as _elementwise
from .ops import index as _index
from .ops import linalg as _linalg
from .ops import reduction as _reduction
from .ops import shape as _shape
from .ops import plain as _plain
