"""The ops, by kind: importing the package registers them."""

from . import construct as construct
from . import corner as corner
from . import elementwise as elementwise
from . import factor as factor
from . import fft as fft
from . import gather as gather
from . import index as index
from . import join as join
from . import linalg as linalg
from . import matrices as matrices
from . import methods as methods
from . import missing as missing
from . import norm as norm
from . import overwrite as overwrite
from . import plain as plain
from . import polynomial as polynomial
from . import quantile as quantile
from . import reduction as reduction
from . import shape as shape
from . import signal as signal
from . import spectral as spectral
from . import statistics as statistics
from . import unique as unique
