"""autograd.numpy: ``whence.numpy``, and reductions that take lists with Variables in them."""

from ....numpy import __version__ as __version__
from . import fft as fft
from . import linalg as linalg
from . import numpy_boxes as numpy_boxes
from . import numpy_vjps as numpy_vjps
from . import numpy_vspaces as numpy_vspaces
from . import numpy_wrapper as numpy_wrapper
from . import random as random
from .base import *  # noqa: F403
from .lists import amax as amax
from .lists import amin as amin
from .lists import append as append
from .lists import column_stack as column_stack
from .lists import concatenate as concatenate
from .lists import cumsum as cumsum
from .lists import dot as dot
from .lists import hstack as hstack
from .lists import make_diagonal as make_diagonal
from .lists import max as max
from .lists import mean as mean
from .lists import min as min
from .lists import prod as prod
from .lists import row_stack as row_stack
from .lists import stack as stack
from .lists import std as std
from .lists import sum as sum
from .lists import var as var
from .lists import vstack as vstack
from .lists import where as where
