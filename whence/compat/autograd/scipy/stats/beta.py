"""autograd.scipy.stats.beta: the beta distribution."""

from .....scipy.stats import beta as _beta

cdf = _beta.cdf
logcdf = _beta.logcdf
logpdf = _beta.logpdf
pdf = _beta.pdf
sf = _beta.sf
