"""Helpers under PyTorch's names: the clipping of gradients, parameters as one vector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.variable import as_data
from ..errors import ShapeError
from ..optim.clip import clip_grad_norm_ as clip_grad_norm_
from ..optim.clip import clip_grad_value_ as clip_grad_value_


def parameters_to_vector(parameters: Iterable[Any]) -> np.ndarray:
    """The values of all parameters in a row.

    >>> from whence import nn
    >>> nn.utils.parameters_to_vector([nn.Parameter([[1.0, 2.0]]), nn.Parameter(3.0)])
    array([1., 2., 3.])
    """
    return np.concatenate([np.asarray(p._data) for p in parameters], axis=None)


def vector_to_parameters(vector: Any, parameters: Iterable[Any]) -> None:
    """Give the parameters their values from a row of all.

    Raises:
        ShapeError: the vector has another length; then nothing is assigned.
    """
    listed, values = list(parameters), as_data(vector)
    ends = np.cumsum([p._data.size for p in listed]).tolist()
    if values.shape != (ends[-1],):
        raise ShapeError(
            f"a vector of shape {values.shape} for parameters with {ends[-1]} values{called_at()}"
        )
    for p, part in zip(listed, np.split(values, ends[:-1]), strict=True):
        p.assign(part.reshape(p._data.shape))
