"""autograd.scipy.stats.norm: the normal distribution."""

from .....scipy.stats import norm as _norm

cdf = _norm.cdf
logcdf = _norm.logcdf
logpdf = _norm.logpdf
logsf = _norm.logsf
pdf = _norm.pdf
sf = _norm.sf
