"""autograd.scipy.stats.dirichlet: the Dirichlet distribution."""

from .....scipy.stats import dirichlet as _dirichlet

logpdf = _dirichlet.logpdf
pdf = _dirichlet.pdf
rvs = _dirichlet.rvs
