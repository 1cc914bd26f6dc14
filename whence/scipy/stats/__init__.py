"""The mirror of ``scipy.stats``: its distributions, with gradients.

They are SciPy's own objects. Importing whence puts a bridge in front of their methods
(``whence.bridge``), so that plain calls keep their gradient whichever way the distributions were
imported; this package has the rules.

>>> import whence
>>> from whence.scipy import stats
>>> print(whence.grad(lambda s: stats.norm(0.0, s).logpdf(2.0))(1.0))
3.0
"""

from scipy.stats import bernoulli as bernoulli
from scipy.stats import beta as beta
from scipy.stats import betabinom as betabinom
from scipy.stats import betaprime as betaprime
from scipy.stats import binom as binom
from scipy.stats import cauchy as cauchy
from scipy.stats import chi as chi
from scipy.stats import chi2 as chi2
from scipy.stats import dirichlet as dirichlet
from scipy.stats import erlang as erlang
from scipy.stats import expon as expon
from scipy.stats import exponnorm as exponnorm
from scipy.stats import f as f
from scipy.stats import fisk as fisk
from scipy.stats import gamma as gamma
from scipy.stats import genextreme as genextreme
from scipy.stats import gennorm as gennorm
from scipy.stats import genpareto as genpareto
from scipy.stats import geom as geom
from scipy.stats import gumbel_l as gumbel_l
from scipy.stats import gumbel_r as gumbel_r
from scipy.stats import halfcauchy as halfcauchy
from scipy.stats import halfnorm as halfnorm
from scipy.stats import hypergeom as hypergeom
from scipy.stats import invgamma as invgamma
from scipy.stats import invgauss as invgauss
from scipy.stats import invwishart as invwishart
from scipy.stats import laplace as laplace
from scipy.stats import levy as levy
from scipy.stats import loggamma as loggamma
from scipy.stats import logistic as logistic
from scipy.stats import lognorm as lognorm
from scipy.stats import lomax as lomax
from scipy.stats import maxwell as maxwell
from scipy.stats import moyal as moyal
from scipy.stats import multinomial as multinomial
from scipy.stats import multivariate_normal as multivariate_normal
from scipy.stats import multivariate_t as multivariate_t
from scipy.stats import nakagami as nakagami
from scipy.stats import nbinom as nbinom
from scipy.stats import norm as norm
from scipy.stats import pareto as pareto
from scipy.stats import poisson as poisson
from scipy.stats import powerlaw as powerlaw
from scipy.stats import rayleigh as rayleigh
from scipy.stats import skewnorm as skewnorm
from scipy.stats import t as t
from scipy.stats import triang as triang
from scipy.stats import truncnorm as truncnorm
from scipy.stats import uniform as uniform
from scipy.stats import vonmises as vonmises
from scipy.stats import weibull_max as weibull_max
from scipy.stats import weibull_min as weibull_min
from scipy.stats import wishart as wishart

from . import betas as betas
from . import counts as counts
from . import discrete as discrete
from . import exponential as exponential
from . import extreme as extreme
from . import gammas as gammas
from . import matrices as matrices
from . import normal as normal
from . import vectors as vectors
