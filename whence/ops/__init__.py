"""The ops, by kind: importing the package registers them."""

from . import elementwise as elementwise
from . import factor as factor
from . import index as index
from . import join as join
from . import linalg as linalg
from . import matrices as matrices
from . import norm as norm
from . import plain as plain
from . import reduction as reduction
from . import shape as shape
from . import spectral as spectral
