"""The mirror of ``scipy.special``."""

from ..ops.norm import logsumexp as logsumexp
