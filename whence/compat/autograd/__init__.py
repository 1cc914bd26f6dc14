"""autograd's names on whence: ``import whence.compat.autograd as autograd``.

Only names and conventions live here; the values and derivatives are whence's. A script that says
``import autograd.numpy as np`` runs unchanged with ``python -m whence.compat autograd script.py``.

Example:
    >>> import whence.compat.autograd.numpy as np
    >>> from whence.compat.autograd import grad
    >>> grad(lambda x, y: np.sum(np.tanh(x) * y), argnum=1)(np.array([0.0, 0.5]), 2.0)
    np.float64(0.462117157260009...)
"""

from .builtins import dict as dict
from .builtins import isinstance as isinstance
from .builtins import list as list
from .builtins import tuple as tuple
from .builtins import type as type
from .differential_operators import checkpoint as checkpoint
from .differential_operators import deriv as deriv
from .differential_operators import elementwise_grad as elementwise_grad
from .differential_operators import grad as grad
from .differential_operators import grad_and_aux as grad_and_aux
from .differential_operators import grad_named as grad_named
from .differential_operators import hessian as hessian
from .differential_operators import hessian_tensor_product as hessian_tensor_product
from .differential_operators import hessian_vector_product as hessian_vector_product
from .differential_operators import holomorphic_grad as holomorphic_grad
from .differential_operators import jacobian as jacobian
from .differential_operators import make_ggnvp as make_ggnvp
from .differential_operators import make_hvp as make_hvp
from .differential_operators import make_jvp as make_jvp
from .differential_operators import make_jvp_reversemode as make_jvp_reversemode
from .differential_operators import make_vjp as make_vjp
from .differential_operators import multigrad_dict as multigrad_dict
from .differential_operators import tensor_jacobian_product as tensor_jacobian_product
from .differential_operators import value_and_grad as value_and_grad
from .differential_operators import vector_jacobian_product as vector_jacobian_product
from .extend import primitive as primitive
