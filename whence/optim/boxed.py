"""L-BFGS with bounds, by SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize


def minimize_in_box(
    f: Callable[[Any], tuple[float, Any]], x: Any, bounds: tuple[Any, Any], hyper: dict[str, Any]
) -> Any:
    """The result of SciPy's L-BFGS-B from ``x``: Byrd, Lu, Nocedal and Zhu (1995)."""
    return scipy.optimize.minimize(
        f,
        np.asarray(x, np.float64),
        jac=True,
        method="L-BFGS-B",
        bounds=scipy.optimize.Bounds(*bounds),
        options={
            "maxcor": min(hyper["history_size"], 20),
            "maxiter": hyper["max_iter"],
            "maxfun": hyper["max_eval"],
            "gtol": hyper["tolerance_grad"],
            "ftol": hyper["tolerance_change"],
        },
    )
