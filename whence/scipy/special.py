"""The mirror of ``scipy.special``."""

from ..ops.reduction import logsumexp as logsumexp
