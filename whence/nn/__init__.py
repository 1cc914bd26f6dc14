"""Neural networks: modules, layers, losses, under PyTorch's names where they are the common ones."""

from ..core.variable import Parameter as Parameter
from . import functional as functional
from . import init as init
from . import utils as utils
from .containers import Identity as Identity
from .containers import ModuleDict as ModuleDict
from .containers import ModuleList as ModuleList
from .containers import Sequential as Sequential
from .dtypes import set_default_dtype as set_default_dtype
from .linear import Linear as Linear
from .module import Buffer as Buffer
from .module import Module as Module
