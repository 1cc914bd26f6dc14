"""autograd.scipy.stats.gamma: the gamma distribution."""

from .....scipy.stats import gamma as _gamma

cdf = _gamma.cdf
logcdf = _gamma.logcdf
logpdf = _gamma.logpdf
pdf = _gamma.pdf
sf = _gamma.sf
