"""autograd.scipy.stats.poisson: the Poisson distribution."""

from .....scipy.stats import poisson as _poisson

cdf = _poisson.cdf
logpmf = _poisson.logpmf
pmf = _poisson.pmf
