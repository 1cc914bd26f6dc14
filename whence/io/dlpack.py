"""DLPack: arrays of other libraries as Variables, without copying."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.graph import hand_out
from ..core.origin import called_at
from ..core.variable import Variable, as_data, make
from ..errors import DtypeError


def from_dlpack(x: Any, copy: bool | None = None) -> Variable:
    """A Variable with the values of another library's array, in the same memory where that is possible.

    What the other library writes into that memory the Variable sees; as with any array that was handed out,
    a ``backward()`` that needs an overwritten value raises instead of using the new one. ``v.data`` is a copy
    that the Variable owns from then on. In the other direction ``torch.from_dlpack(v.data)`` and its like
    share memory too. For a plain array (labels, indices) there is ``np.from_dlpack(x)``.

    Args:
        x: an array with ``__dlpack__`` in the computer's memory: of PyTorch, JAX, CuPy, NumPy.
        copy: True for memory of its own; None (or False) for the memory of ``x``.

    Raises:
        DtypeError: ``x`` has no ``__dlpack__``, is on another device, waits for a gradient of its own
            library, or holds elements that NumPy does not have.

    Example:
        >>> import numpy as np
        >>> import whence
        >>> theirs = np.ones(3)
        >>> v = whence.from_dlpack(theirs)
        >>> theirs[0] = 5.0
        >>> print(v)
        [5. 1. 1.]
    """
    if isinstance(x, Variable):
        raise DtypeError(f"this is a Variable already{called_at()}\n  → v itself, or v.detach()")
    try:
        data = np.from_dlpack(x)
    except (AttributeError, BufferError, RuntimeError, TypeError, ValueError) as error:
        raise DtypeError(
            f"a {type(x).__module__}.{type(x).__qualname__} cannot be taken by DLPack: {error}{called_at()}\n"
            "  → an array in the computer's memory that waits for no gradient of its own, of numbers that "
            "NumPy has: x.detach().cpu(), and x.float() for bfloat16"
        ) from error
    v = make(as_data(data, copy=True if copy else None))
    v.edge = v._leaf()
    if not copy:
        hand_out(v.edge, v._data)
    return v
