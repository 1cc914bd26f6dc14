"""Losses of classes: cross entropy of labels and of probabilities, margins."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from ...core.batched import holds_batched
from ...core.origin import called_at
from ...core.table import OPS
from ...core.variable import Variable, as_array
from ...errors import DtypeError, ShapeError, WhenceError
from ...ops import activation as op
from ...ops import cross_entropy as fused
from ...ops.declare import anywhere
from .reduction import check_labels, check_reduction, labels, reduced, same_shapes


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """``-log(softmax(input)[target])``: from logits, right and finite however large they are.

    Args:
        input: logits, (N, C), (N, C, ...) or (C,).
        target: labels, integers of shape (N, ...); or probabilities, of the shape of ``input``.
        weight: (C,), how much each class counts; None for alike.
        ignore_index: a label that counts for nothing.
        reduction: ``"mean"`` (weighted, over what is not ignored), ``"sum"`` or ``"none"``.
        label_smoothing: the share of the target that is spread over all classes (Szegedy et al. 2015,
            arXiv:1512.00567, section 7).

    Returns:
        One number; (N, ...) for ``"none"``.

    Raises:
        ShapeError: sizes that do not fit. BoundsError: a label that is no class, with its place. DtypeError:
        labels that are not integers. WhenceError: all labels are ignored and a mean is asked for.

    Example:
        >>> print(np.round(cross_entropy(np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0, 1])), 4))
        0.1809
    """
    check_reduction(reduction)
    shape = input.shape if hasattr(input, "shape") else np.shape(input)
    if not shape:
        raise ShapeError(f"cross_entropy needs logits of shape (N, C), not one number{called_at()}")
    axis = 1 if len(shape) > 1 else 0
    _check_class_weight("cross_entropy", weight, shape[axis])
    if not 0 <= label_smoothing <= 1:
        raise WhenceError(f"label_smoothing is a share, from 0 to 1, not {label_smoothing}{called_at()}")
    if np.shape(target) == shape and np.result_type(target).kind == "f":
        return _of_probabilities(input, target, weight, reduction, label_smoothing, axis)
    target = _checked_labels("cross_entropy", shape, target, axis)
    x, flat = input, target
    if len(shape) != 2:
        x = np.reshape(np.moveaxis(input, axis, -1), (-1, shape[axis]))
        flat = np.reshape(target, (-1,))
    ignored = check_labels("cross_entropy", target, shape[axis], ignore_index)
    if label_smoothing or isinstance(weight, Variable) or holds_batched((flat,)):
        rows, share = _by_log_softmax(x, flat, weight, ignored, ignore_index, label_smoothing)
        return _averaged(rows, share, reduction, np.shape(target))
    share = _shares(x, flat, weight, ignored, ignore_index)
    if reduction == "mean":
        share = share / _total(share, len(flat))
    if ignored:
        flat = np.where(flat == ignore_index, 0, flat)
    losses = fused.cross_entropy.apply(x, target=flat, share=share, summed=reduction != "none")
    return losses if reduction != "none" or len(shape) == 2 else np.reshape(losses, np.shape(target))


def _check_class_weight(name: str, weight: Any, count: int) -> None:
    if weight is not None and np.shape(weight) != (count,):
        raise ShapeError(
            f"{name} got weights of shape {np.shape(weight)} for {count} classes{called_at()}\n"
            f"  → ({count},), one for each class"
        )


def _checked_labels(name: str, shape: tuple[int, ...], target: Any, axis: int) -> Any:
    """Labels for logits of this shape, as integers."""
    wanted = shape[:axis] + shape[axis + 1 :]
    if np.shape(target) != wanted:
        raise ShapeError(
            f"{name} got logits of shape {shape} and a target of shape {np.shape(target)}{called_at()}\n"
            f"  → labels of shape {wanted} (integers, without the axis of classes), "
            f"or probabilities of shape {shape}"
        )
    return labels(name, target)


def _shares(x: Any, target: Any, weight: Any, ignored: bool, ignore_index: int) -> Any:
    """What each row counts: one number for all where that is so."""
    kind = x.dtype if isinstance(x, Variable) else np.result_type(x)
    if weight is None and not ignored:
        return kind.type(1)
    kept = target != ignore_index
    if weight is None:
        return kept.astype(kind)
    return OPS[np.take](_float_like(weight, x), np.where(kept, target, 0)) * kept


def _total(share: Any, count: int) -> Any:
    """The sum of all shares, which a mean is divided by."""
    alike = np.ndim(share) == 0
    total = share * count if alike else np.sum(share)
    if not count if alike else anywhere(np.equal(total, 0)):
        raise WhenceError(
            f"a mean over no labels: all are ignored, or of weight 0{called_at()}\n"
            "  → reduction='sum', or leave such batches out"
        )
    return total


def _by_log_softmax(
    x: Any, target: Any, weight: Any, ignored: bool, ignore_index: int, smoothing: float
) -> tuple[Any, Any]:
    """Loss and share of each row, composed: with smoothing, or weights or labels of any kind."""
    log_p = op.log_softmax.apply(x, axis=1)
    share = _shares(x, target, weight, ignored, ignore_index)
    flat = np.where(target == ignore_index, 0, target) if ignored else target
    rows = -share * (1 - smoothing) * log_p[np.arange(np.shape(x)[0]), flat]
    if smoothing:
        spread = log_p if weight is None else log_p * _float_like(weight, x)
        even = np.sum(spread, axis=1) * (-smoothing / np.shape(x)[1])
        rows = rows + (even * (target != ignore_index) if ignored else even)
    return rows, share


def _averaged(rows: Any, share: Any, reduction: str, shape: tuple[int, ...]) -> Any:
    if reduction == "none":
        return np.reshape(rows, shape)
    total = np.sum(rows)
    return total / _total(share, np.shape(rows)[0]) if reduction == "mean" else total


def _of_probabilities(
    input: Any, target: Any, weight: Any, reduction: str, smoothing: float, axis: int
) -> Any:
    shape = np.shape(input)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / shape[axis]
    terms = target * op.log_softmax.apply(input, axis=axis)
    if weight is not None:
        terms = terms * np.reshape(_float_like(weight, input), (-1,) + (1,) * (len(shape) - 1 - axis))
    losses = -np.sum(terms, axis=axis)
    if reduction == "mean":
        return np.sum(losses) / max(1, np.size(losses))
    return reduced(losses, reduction)


def nll_loss(
    input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"
) -> Any:
    """``-input[target]`` of log-probabilities; arguments as of :func:`cross_entropy`.

    >>> print(nll_loss(np.log(np.array([[0.5, 0.5]])), np.array([1])))
    0.693...
    """
    check_reduction(reduction)
    shape = np.shape(input)
    axis = 1 if len(shape) > 1 else 0
    _check_class_weight("nll_loss", weight, shape[axis])
    target = _checked_labels("nll_loss", shape, target, axis)
    ignored = check_labels("nll_loss", target, shape[axis], ignore_index)
    x = np.reshape(np.moveaxis(input, axis, -1), (-1, shape[axis]))
    flat = np.reshape(target, (-1,))
    share = _shares(x, flat, weight, ignored, ignore_index)
    flat = np.where(flat == ignore_index, 0, flat) if ignored else flat
    rows = -share * x[np.arange(np.shape(x)[0]), flat]
    return _averaged(rows, share, reduction, np.shape(target))


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """``-(t log p + (1 - t) log(1 - p))``; the logarithms are not let below -100.

    Args:
        input: probabilities p, any shape.
        target: t, of the same shape.
        weight: how much each element counts; it broadcasts.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ShapeError: different shapes. WhenceError: p outside [0, 1].

    >>> print(binary_cross_entropy(np.array([0.5, 1.0]), np.array([1.0, 1.0])))
    0.346...
    """
    same_shapes("binary_cross_entropy", input=input, target=target)
    if anywhere(np.logical_not(np.logical_and(np.greater_equal(input, 0), np.less_equal(input, 1)))):
        raise WhenceError(
            f"binary_cross_entropy takes probabilities, from 0 to 1{called_at()}\n"
            "  → sigmoid(x), or binary_cross_entropy_with_logits"
        )
    losses = fused.binary_cross_entropy.apply(input, _float_like(target, input))
    return reduced(losses if weight is None else losses * _float_like(weight, input), reduction)


def _float_like(target: Any, x: Any) -> Any:
    """Targets or weights in the type of x, where they are not recorded."""
    if np.result_type(target).kind in "fc" and (isinstance(target, Variable) or np.iscomplexobj(target)):
        return target
    if holds_batched((target,)):
        return target
    return as_array(getattr(target, "_data", target), np.result_type(x))


def _minus_log_sigmoid(x: Any) -> Any:
    return op.softplus.apply(-x, beta=1.0, threshold=np.inf)


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    """``binary_cross_entropy(sigmoid(input), target)``, finite however large the logits are.

    Args:
        input: logits, any shape.
        target: from 0 to 1, of the same shape.
        weight: how much each element counts; it broadcasts.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        pos_weight: how much the first term counts, for data with few positives; it broadcasts.

    Raises:
        ShapeError: different shapes.

    >>> print(binary_cross_entropy_with_logits(np.array([0.0, 1e4]), np.array([1.0, 1.0])))
    0.346...
    """
    same_shapes("binary_cross_entropy_with_logits", input=input, target=target)
    target = _float_like(target, input)
    falling = _minus_log_sigmoid(input)
    if pos_weight is not None:
        falling = falling * (1 + (_float_like(pos_weight, input) - 1) * target)
    losses = (1 - target) * input + falling
    return reduced(losses if weight is None else losses * _float_like(weight, input), reduction)


def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """``t (log t - input)``: the divergence of a distribution t from one whose logarithm is ``input``.

    Args:
        input: log-probabilities.
        target: probabilities; their logarithms if ``log_target``.
        reduction: ``"mean"`` (over all elements), ``"batchmean"`` (the sum over the length of the first axis,
            which is the divergence), ``"sum"`` or ``"none"``.
        log_target: see target.

    Raises:
        ShapeError: different shapes.

    >>> p = np.array([[0.5, 0.5]])
    >>> print(kl_div(np.log(p), p, "batchmean"))
    0.0
    """
    check_reduction(reduction, "batchmean")
    same_shapes("kl_div", input=input, target=target)
    if log_target:
        losses = np.exp(target) * (target - input)
    else:
        losses = special.xlogy(target, target) - target * input
    if reduction == "batchmean":
        return np.sum(losses) / max(1, np.shape(losses)[0])
    return reduced(losses, reduction)


def soft_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """``log(1 + e^(-target input))``, with targets -1 and 1.

    >>> print(soft_margin_loss(np.array([0.0]), np.array([1.0])))
    0.693...
    """
    same_shapes("soft_margin_loss", input=input, target=target)
    return reduced(_minus_log_sigmoid(_float_like(target, input) * input), reduction)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """The mean over the last axis of ``binary_cross_entropy_with_logits``, for each example.

    Args:
        input: logits, (N, C) or (C,).
        target: 0 or 1, of the same shape.
        weight: (C,), how much each class counts.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> print(multilabel_soft_margin_loss(np.zeros((1, 3)), np.array([[1.0, 0.0, 1.0]])))
    0.693...
    """
    losses = binary_cross_entropy_with_logits(input, target, weight, "none")
    return reduced(np.mean(losses, axis=-1), reduction)


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    reduction: str = "mean",
) -> Any:
    """``sum over j ≠ target of max(0, margin - input[target] + input[j]) ** p / C``.

    Args:
        input: (N, C) or (C,).
        target: labels, (N,) or ().
        p: 1 or 2.
        margin: by how much the right class is to win.
        weight: (C,), how much each class counts.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        WhenceError: another p. BoundsError: a label that is no class.

    >>> print(multi_margin_loss(np.array([[0.0, 1.0]]), np.array([0])))
    1.0
    """
    if p not in (1, 2):
        raise WhenceError(f"multi_margin_loss has p=1 and p=2, not {p!r}{called_at()}")
    shape = np.shape(input)
    if len(shape) not in (1, 2):
        raise ShapeError(f"multi_margin_loss takes (N, C) or (C,), not {shape}{called_at()}")
    count = shape[-1]
    _check_class_weight("multi_margin_loss", weight, count)
    target = _checked_labels("multi_margin_loss", shape, target, len(shape) - 1)
    check_labels("multi_margin_loss", target, count)
    x, flat = np.reshape(input, (-1, count)), np.reshape(target, (-1,))
    rows = np.arange(len(flat))
    others = np.ones(np.shape(x), bool)
    others[rows, flat] = False
    gaps = op.relu.apply(margin - np.expand_dims(x[rows, flat], 1) + x) * others
    losses = np.sum(gaps if p == 1 else gaps * gaps, axis=1) / count
    if weight is not None:
        losses = losses * _float_like(weight, x)[flat]
    return reduced(np.reshape(losses, np.shape(target)), reduction)


def one_hot(tensor: Any, num_classes: int = -1) -> np.ndarray:
    """Integers as rows of zeros with one 1.

    Args:
        tensor: labels, integers of any shape.
        num_classes: the length of a row; -1 for the largest label and one more.

    Returns:
        int64, (*shape, num_classes).

    Raises:
        BoundsError: a label that is negative, or no class.

    >>> print(one_hot(np.array([2, 0])))
    [[0 0 1]
     [1 0 0]]
    """
    found = labels("one_hot", tensor)
    if holds_batched((found,)):
        raise DtypeError(f"one_hot inside vmap{called_at()}\n  → labels[..., None] == np.arange(count)")
    if num_classes == -1:
        num_classes = int(found.max(initial=-1)) + 1
    check_labels("one_hot", found, num_classes)
    return (found[..., None] == np.arange(num_classes)).astype(np.int64)
