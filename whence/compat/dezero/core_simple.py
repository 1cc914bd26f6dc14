"""The names of DeZero's first core, which is the same here."""

from .config import Config as Config
from .config import no_grad as no_grad
from .config import using_config as using_config
from .core import Function as Function
from .core import Variable as Variable
from .core import add as add
from .core import as_array as as_array
from .core import as_variable as as_variable
from .core import div as div
from .core import mul as mul
from .core import neg as neg
from .core import pow as pow
from .core import rdiv as rdiv
from .core import rsub as rsub
from .core import setup_variable as setup_variable
from .core import sub as sub
