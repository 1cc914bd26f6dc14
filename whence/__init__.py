"""whence: every value knows whence it came.

Automatic differentiation and deep learning in pure Python, on NumPy.
"""

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from . import bridge as bridge
from . import ops as ops
from . import testing as testing
from .config import enable_grad as enable_grad
from .config import no_grad as no_grad
from .config import threads as threads
from .core import table as _table
from .core.function import Function as Function
from .core.memory import keep_freed_memory as _keep_freed_memory
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
from .transforms.loops import cond as cond
from .transforms.loops import scan as scan
from .transforms.loops import while_loop as while_loop
from .transforms.matrices import hessian as hessian
from .transforms.matrices import hvp as hvp
from .transforms.matrices import jacobian as jacobian
from .transforms.products import fisher_vp as fisher_vp
from .transforms.products import ggnvp as ggnvp
from .transforms.products import linearize as linearize
from .transforms.vmap import vmap as vmap

__version__ = "0.1.0"

_keep_freed_memory()

if _TYPE_CHECKING:
    from . import compat as compat
    from . import data as data
    from . import io as io
    from . import nn as nn
    from . import numpy as numpy
    from . import optim as optim
    from . import optimize as optimize
    from . import random as random
    from . import scipy as scipy
    from . import train as train
    from .io.dlpack import from_dlpack as from_dlpack
    from .io.state import load as load
    from .io.state import save as save
    from .transforms.implicit import fixed_point_of as fixed_point_of
    from .transforms.implicit import implicit_root as implicit_root
    from .transforms.implicit import root_of as root_of
    from .transforms.sparse import hessian_diagonal as hessian_diagonal
    from .transforms.sparse import sparse_hessian as sparse_hessian
    from .transforms.sparse import sparse_jacobian as sparse_jacobian

#: What is opened when it is first asked for, since it imports what ``import whence`` need not: rooms,
#: and names with the room that they are in.
_LATER = {
    "compat": "",
    "compile": "compiler.function",
    "data": "",
    "fixed_point_of": "transforms.implicit",
    "from_dlpack": "io.dlpack",
    "hessian_diagonal": "transforms.sparse",
    "implicit_root": "transforms.implicit",
    "io": "",
    "load": "io.state",
    "nn": "",
    "numpy": "",
    "optim": "",
    "optimize": "",
    "random": "",
    "root_of": "transforms.implicit",
    "save": "io.state",
    "scipy": "",
    "sparse_hessian": "transforms.sparse",
    "sparse_jacobian": "transforms.sparse",
    "train": "",
}


def __getattr__(name: str) -> _Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = _LATER[name]
    if not room:
        return _importlib.import_module(f".{name}", __name__)
    return getattr(_importlib.import_module(f".{room}", __name__), name)


def _array_namespace(api_version: str | None = None) -> _Any:
    if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
        raise ValueError(f"whence.numpy follows the array API standard up to 2024.12, not {api_version}")
    return _importlib.import_module(".numpy.array_api", __name__)


_table.OPS["array namespace"] = _array_namespace
