"""Vectorised SSA text and the functions of mathematics in it.

From the ground up: ``values`` (a name with kind and lanes, and arithmetic), ``memory`` (loads, stores),
``writer`` (functions, loops, branches), ``tools`` and the families of functions, ``maths`` (their table).
"""

from .maths import MATHS as MATHS
from .maths import Function as Function
from .values import Value as Value
from .writer import Writer as Writer
