"""Losses as layers: each is the function of its name in ``whence.nn.functional``, with options kept.

Class weights are plain arrays that are not learned; they take the type of the input.
"""

from __future__ import annotations

from typing import Any

from .functions import classification, ctc, distance, regression
from .module import Module


class _Loss(Module):
    """Options of a loss, which its repr shows."""

    def extra_repr(self) -> str:
        """The options."""
        shown = {
            name: value for name, value in vars(self).items() if name != "training" and value is not None
        }
        return ", ".join(f"{name}={value!r}" for name, value in shown.items() if not hasattr(value, "shape"))


class CrossEntropyLoss(_Loss):
    """``-log(softmax(input)[target])``: see ``functional.cross_entropy``."""

    def __init__(
        self,
        weight: Any = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        self.weight = weight
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.label_smoothing = label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        """``cross_entropy`` of the arguments."""
        return classification.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(_Loss):
    """``-input[target]`` of log-probabilities: see ``functional.nll_loss``."""

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        self.weight = weight
        self.ignore_index = ignore_index
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """``nll_loss`` of the arguments."""
        return classification.nll_loss(
            input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


class BCELoss(_Loss):
    """``-(t log p + (1 - t) log(1 - p))``: see ``functional.binary_cross_entropy``."""

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        self.weight = weight
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """``binary_cross_entropy`` of the arguments."""
        return classification.binary_cross_entropy(
            input, target, weight=self.weight, reduction=self.reduction
        )


class BCEWithLogitsLoss(_Loss):
    """``BCELoss`` of ``sigmoid(input)``: see ``functional.binary_cross_entropy_with_logits``."""

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        self.weight = weight
        self.reduction = reduction
        self.pos_weight = pos_weight

    def forward(self, input: Any, target: Any) -> Any:
        """``binary_cross_entropy_with_logits`` of the arguments."""
        return classification.binary_cross_entropy_with_logits(
            input, target, weight=self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class KLDivLoss(_Loss):
    """``t (log t - input)``: see ``functional.kl_div``."""

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        self.reduction = reduction
        self.log_target = log_target

    def forward(self, input: Any, target: Any) -> Any:
        """``kl_div`` of the arguments."""
        return classification.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class MultiMarginLoss(_Loss):
    """By how much other classes come near the right one: see ``functional.multi_margin_loss``."""

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean") -> None:
        self.p = p
        self.margin = margin
        self.weight = weight
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """``multi_margin_loss`` of the arguments."""
        return classification.multi_margin_loss(
            input, target, p=self.p, margin=self.margin, weight=self.weight, reduction=self.reduction
        )


class MultiLabelSoftMarginLoss(_Loss):
    """``BCEWithLogitsLoss``, a mean over classes: see ``functional.multilabel_soft_margin_loss``."""

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        self.weight = weight
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """``multilabel_soft_margin_loss`` of the arguments."""
        return classification.multilabel_soft_margin_loss(
            input, target, weight=self.weight, reduction=self.reduction
        )


class SoftMarginLoss(_Loss):
    """``log(1 + e^(-target input))``: see ``functional.soft_margin_loss``."""

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """``soft_margin_loss`` of the arguments."""
        return classification.soft_margin_loss(input, target, reduction=self.reduction)


class MSELoss(_Loss):
    """``(input - target)²``: see ``functional.mse_loss``."""

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """``mse_loss`` of the arguments."""
        return regression.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """``|input - target|``: see ``functional.l1_loss``."""

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """``l1_loss`` of the arguments."""
        return regression.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """Squared near 0, absolute from ``beta`` on: see ``functional.smooth_l1_loss``."""

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        self.reduction = reduction
        self.beta = beta

    def forward(self, input: Any, target: Any) -> Any:
        """``smooth_l1_loss`` of the arguments."""
        return regression.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """Squared near 0, absolute from ``delta`` on: see ``functional.huber_loss``."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        self.reduction = reduction
        self.delta = delta

    def forward(self, input: Any, target: Any) -> Any:
        """``huber_loss`` of the arguments."""
        return regression.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class PoissonNLLLoss(_Loss):
    """``e^input - target input``: see ``functional.poisson_nll_loss``."""

    def __init__(
        self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
    ) -> None:
        self.log_input = log_input
        self.full = full
        self.eps = eps
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """``poisson_nll_loss`` of the arguments."""
        return regression.poisson_nll_loss(
            input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(_Loss):
    """``(log(var) + (input - target)² / var) / 2``: see ``functional.gaussian_nll_loss``."""

    def __init__(self, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        self.full = full
        self.eps = eps
        self.reduction = reduction

    def forward(self, input: Any, target: Any, var: Any) -> Any:
        """``gaussian_nll_loss`` of the arguments."""
        return regression.gaussian_nll_loss(
            input, target, var, full=self.full, eps=self.eps, reduction=self.reduction
        )


class HingeEmbeddingLoss(_Loss):
    """Small for the same, ``margin`` at least for others: see ``functional.hinge_embedding_loss``."""

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        self.margin = margin
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """``hinge_embedding_loss`` of the arguments."""
        return distance.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(_Loss):
    """``max(0, margin - target (input1 - input2))``: see ``functional.margin_ranking_loss``."""

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        self.margin = margin
        self.reduction = reduction

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:
        """``margin_ranking_loss`` of the arguments."""
        return distance.margin_ranking_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction
        )


class CosineEmbeddingLoss(_Loss):
    """A small angle for the same, a large one for others: see ``functional.cosine_embedding_loss``."""

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        self.margin = margin
        self.reduction = reduction

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:
        """``cosine_embedding_loss`` of the arguments."""
        return distance.cosine_embedding_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction
        )


class TripletMarginLoss(_Loss):
    """Nearer to the positive than to the negative: see ``functional.triplet_margin_loss``."""

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap
        self.reduction = reduction

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        """``triplet_margin_loss`` of the arguments."""
        return distance.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )


class CTCLoss(_Loss):
    """Minus the log-probability of all alignments: see ``functional.ctc_loss``."""

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        self.blank = blank
        self.reduction = reduction
        self.zero_infinity = zero_infinity

    def forward(self, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any) -> Any:
        """``ctc_loss`` of the arguments."""
        return ctc.ctc_loss(
            log_probs,
            targets,
            input_lengths,
            target_lengths,
            blank=self.blank,
            reduction=self.reduction,
            zero_infinity=self.zero_infinity,
        )


class CosineSimilarity(_Loss):
    """The cosine of the angle between vectors: see ``functional.cosine_similarity``."""

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Any, x2: Any) -> Any:
        """``cosine_similarity`` of the arguments."""
        return distance.cosine_similarity(x1, x2, dim=self.dim, eps=self.eps)


class PairwiseDistance(_Loss):
    """The p-norm of differences of vectors: see ``functional.pairwise_distance``."""

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        self.p = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Any, x2: Any) -> Any:
        """``pairwise_distance`` of the arguments."""
        return distance.pairwise_distance(x1, x2, p=self.p, eps=self.eps, keepdim=self.keepdim)
