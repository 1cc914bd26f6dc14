"""Data sets, and loaders that make batches of them."""

from . import datasets as datasets
from . import transforms as transforms
from .dataset import ArrayDataset as ArrayDataset
from .dataset import ConcatDataset as ConcatDataset
from .dataset import Dataset as Dataset
from .dataset import Subset as Subset
from .dataset import TensorDataset as TensorDataset
from .dataset import random_split as random_split
from .fetch import collate as collate
from .loader import DataLoader as DataLoader
from .sequences import SequenceDataset as SequenceDataset
from .sequences import SequenceLoader as SequenceLoader
from .sequences import TextWindows as TextWindows
from .text import CharTokenizer as CharTokenizer
from .text import read_text as read_text
