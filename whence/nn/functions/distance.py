"""Distances of vectors, and the losses that compare them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .activation import relu
from .reduction import reduced, same_shapes


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """``x1 · x2 / (max(‖x1‖, eps) max(‖x2‖, eps))`` along an axis; x1 and x2 broadcast.

    >>> print(cosine_similarity(np.array([[1.0, 0.0]]), np.array([[3.0, 4.0]])))
    [0.6]
    """
    sizes = [np.maximum(np.linalg.norm(x, axis=dim), eps) for x in (x1, x2)]
    return np.sum(x1 * x2, axis=dim) / (sizes[0] * sizes[1])


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """``‖x1 - x2 + eps‖_p`` along the last axis; x1 and x2 broadcast.

    >>> print(pairwise_distance(np.array([[3.0, 4.0]]), np.zeros((1, 2)), eps=0.0))
    [5.]
    """
    return np.linalg.norm(x1 - x2 + eps, ord=p, axis=-1, keepdims=keepdim)


def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Any:
    """``input`` where the target is 1, ``max(0, margin - input)`` where it is -1.

    >>> print(hinge_embedding_loss(np.array([0.5, 0.25]), np.array([1, -1]), reduction="none"))
    [0.5  0.75]
    """
    same_shapes("hinge_embedding_loss", input=input, target=target)
    return reduced(
        np.not_equal(target, -1) * input + np.not_equal(target, 1) * relu(margin - input), reduction
    )


def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Any:
    """``max(0, margin - target (input1 - input2))``: 1 in target says that input1 is to be larger, -1 input2.

    >>> print(margin_ranking_loss(np.array([1.0]), np.array([3.0]), np.array([1])))
    2.0
    """
    same_shapes("margin_ranking_loss", input1=input1, input2=input2, target=target)
    return reduced(relu(margin - target * (input1 - input2)), reduction)


def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Any:
    """``1 - cos`` of the angle where the target is 1, ``max(0, cos - margin)`` where it is -1.

    Args:
        input1, input2: (N, D) or (D,).
        target: 1 or -1, (N,) or ().
        margin: from -1 to 1.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> x = np.array([[1.0, 0.0]])
    >>> print(np.round(cosine_embedding_loss(x, x, np.array([-1]), 0.25), 6))
    0.75
    """
    same_shapes("cosine_embedding_loss", input1=input1, input2=input2)
    same_shapes("cosine_embedding_loss", rows=np.zeros(np.shape(input1)[:-1]), target=target)
    product, first, second = (
        np.sum(a * b, axis=-1) for a, b in ((input1, input2), (input1, input1), (input2, input2))
    )
    cosine = product / np.sqrt((first + 1e-12) * (second + 1e-12))
    same, other = np.equal(target, 1), np.equal(target, -1)
    return reduced(same * (1 - cosine) + other * relu(cosine - margin), reduction)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """``max(0, margin + d(anchor, positive) - d(anchor, negative))`` (Balntas et al. 2016).

    Args:
        anchor, positive, negative: (N, D) or (D,).
        margin: by how much the negative is to be farther away.
        p, eps: of the distance, see :func:`pairwise_distance`.
        swap: take ``d(positive, negative)`` where that is less than ``d(anchor, negative)``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> a = np.zeros((1, 2))
    >>> print(np.round(triplet_margin_loss(a, a + 3.0, a + 4.0, p=1.0), 4))
    0.0
    """
    same_shapes("triplet_margin_loss", anchor=anchor, positive=positive, negative=negative)
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = np.minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced(relu(margin + near - far), reduction)
