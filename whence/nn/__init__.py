"""Neural networks: modules, layers, losses, under PyTorch's names where they are the common ones."""

from ..core.variable import Parameter as Parameter
from . import functional as functional
from . import init as init
from .cells import GRUCell as GRUCell
from .cells import LSTMCell as LSTMCell
from .cells import RNNCell as RNNCell
from .containers import Identity as Identity
from .containers import ModuleDict as ModuleDict
from .containers import ModuleList as ModuleList
from .containers import Sequential as Sequential
from .dtypes import set_default_dtype as set_default_dtype
from .embedding import Embedding as Embedding
from .linear import Bilinear as Bilinear
from .linear import Linear as Linear
from .module import Buffer as Buffer
from .module import Module as Module
from .recurrent import GRU as GRU
from .recurrent import LSTM as LSTM
from .recurrent import RNN as RNN
