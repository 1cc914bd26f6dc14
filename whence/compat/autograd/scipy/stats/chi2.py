"""autograd.scipy.stats.chi2: the chi-squared distribution."""

from .....scipy.stats import chi2 as _chi2

cdf = _chi2.cdf
logcdf = _chi2.logcdf
logpdf = _chi2.logpdf
pdf = _chi2.pdf
sf = _chi2.sf
