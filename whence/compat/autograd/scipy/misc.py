"""autograd.scipy.misc, of versions before 1.3."""

from ....scipy.special import logsumexp as logsumexp
