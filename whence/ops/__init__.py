"""The ops, by kind: importing the package registers them."""

from . import bessel as bessel
from . import distributions as distributions
from . import elementwise as elementwise
from . import elliptic as elliptic
from . import entropy as entropy
from . import factor as factor
from . import incomplete as incomplete
from . import index as index
from . import integrals as integrals
from . import join as join
from . import linalg as linalg
from . import matrices as matrices
from . import norm as norm
from . import oscillations as oscillations
from . import plain as plain
from . import polynomials as polynomials
from . import reduction as reduction
from . import shape as shape
from . import special as special
from . import spectral as spectral
