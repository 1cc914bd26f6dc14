"""``vectorize``: a Python function called on each element."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..core.variable import Variable
from ..ops.gather import gathered, has_variables


class vectorize(np.vectorize):  # type: ignore[misc]
    """``numpy.vectorize``; called with Variables, the results are Variables.

    A ``signature`` works too. ``otypes`` may name a floating type; ``excluded`` arguments are passed
    on as they are.

    Example:
        >>> import whence
        >>> import whence.numpy as np
        >>> soft = np.vectorize(lambda x: x if x > 0 else np.exp(x) - 1)
        >>> whence.grad(lambda x: np.sum(soft(x)))(np.array([0.0, 2.0]))
        array([1., 1.])
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function on all elements of the broadcast arguments."""
        if not any(has_variables(x) for x in (*args, *kwargs.values())) or not callable(self.pyfunc):
            return super().__call__(*args, **kwargs)
        excluded = self.excluded or set()
        looped: list[Any] = [i for i in range(len(args)) if i not in excluded]
        looped += [name for name in kwargs if name not in excluded]
        arrays = [_array(args[k] if isinstance(k, int) else kwargs[k]) for k in looped]
        cores = _core_axes(self.signature) or [0] * len(arrays)
        outer = np.broadcast_shapes(
            *[a.shape[: a.ndim - core] for a, core in zip(arrays, cores, strict=True)]
        )
        arrays = [
            np.broadcast_to(a, outer + a.shape[a.ndim - core :])
            for a, core in zip(arrays, cores, strict=True)
        ]
        results = []
        for index in np.ndindex(*outer):
            positional, named = list(args), dict(kwargs)
            for k, a in zip(looped, arrays, strict=True):
                if isinstance(k, int):
                    positional[k] = a[index]
                else:
                    named[k] = a[index]
            results.append(self.pyfunc(*positional, **named))
        if results and isinstance(results[0], tuple):
            columns = zip(*results, strict=True)
            return tuple(self._joined(list(c), outer, i) for i, c in enumerate(columns))
        return self._joined(results, outer, 0)

    def _joined(self, results: list[Any], outer: tuple[int, ...], which: int) -> Any:
        dtype = np.dtype(self.otypes[which]) if self.otypes else None
        if not has_variables(results):
            y: Any = np.array(results, dtype)
        else:
            y = gathered(results, dtype)
        return np.reshape(y, outer + y.shape[1:])[()]


def _array(x: Any) -> Any:
    if isinstance(x, Variable):
        return x
    return gathered(x) if has_variables(x) else np.asarray(x)


def _core_axes(signature: str | None) -> list[int] | None:
    """How many axes of each argument ``"(n,m),(m)->(n)"`` keeps together: [2, 1]."""
    if signature is None:
        return None
    groups = re.findall(r"\(([^)]*)\)", signature.split("->")[0])
    return [len([name for name in group.split(",") if name.strip()]) for group in groups]
