"""The mirror of ``scipy.sparse``: arrays whose stored entries are Variables.

Gradients belong to the stored entries only. Products of SciPy's own matrices with Variables need no
mirror: ``A @ v`` is recorded as it stands. What has no gradient here is SciPy's own, and refuses Variables.
"""

from __future__ import annotations

from typing import Any

from scipy import sparse

from ..beyond import passed_on
from . import linalg as linalg
from .arrays import SparseArray as SparseArray
from .arrays import coo_array as coo_array
from .arrays import csc_array as csc_array
from .arrays import csr_array as csr_array
from .arrays import diags as diags
from .arrays import diags_array as diags_array
from .arrays import hstack as hstack
from .arrays import kron as kron
from .arrays import vstack as vstack

_SAME = "whence.scipy.sparse.csr_array, csc_array or coo_array"
_REMEDIES = {
    "csr_matrix": f"use {_SAME}",
    "csc_matrix": f"use {_SAME}",
    "coo_matrix": f"use {_SAME}",
    "dia_array": f"use whence.scipy.sparse.diags_array, or {_SAME}",
    "bsr_array": f"use {_SAME}",
    "lil_array": f"use {_SAME}",
    "dok_array": f"use {_SAME}",
    "spdiags": "use whence.scipy.sparse.diags",
}


def __getattr__(name: str) -> Any:
    return passed_on(sparse, name, _REMEDIES)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(dir(sparse)))
