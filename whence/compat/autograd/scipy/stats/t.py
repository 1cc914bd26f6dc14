"""autograd.scipy.stats.t: Student's t distribution."""

from .....scipy.stats import t as _t

cdf = _t.cdf
logcdf = _t.logcdf
logpdf = _t.logpdf
logsf = _t.logsf
pdf = _t.pdf
sf = _t.sf
