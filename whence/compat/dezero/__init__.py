"""DeZero's names on whence's engine: for the scripts of its book, which run unchanged.

``python -m whence.compat dezero script.py`` runs a script with ``dezero`` mapped to this package.
"""

from . import cuda as cuda
from . import dataloaders as dataloaders
from . import datasets as datasets
from . import functions as functions
from . import functions_conv as functions_conv
from . import layers as layers
from . import models as models
from . import optimizers as optimizers
from . import transforms as transforms
from . import utils as utils
from .config import Config as Config
from .config import no_grad as no_grad
from .config import test_mode as test_mode
from .config import using_config as using_config
from .core import Function as Function
from .core import Parameter as Parameter
from .core import Variable as Variable
from .core import as_array as as_array
from .core import as_variable as as_variable
from .core import setup_variable as setup_variable
from .dataloaders import DataLoader as DataLoader
from .dataloaders import SeqDataLoader as SeqDataLoader
from .datasets import Dataset as Dataset
from .layers import Layer as Layer
from .models import Model as Model

setup_variable()
