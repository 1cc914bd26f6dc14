"""autograd.scipy.stats.multivariate_normal: the normal distribution of vectors."""

from .....scipy.stats import multivariate_normal as _multivariate_normal

entropy = _multivariate_normal.entropy
logpdf = _multivariate_normal.logpdf
pdf = _multivariate_normal.pdf
rvs = _multivariate_normal.rvs
