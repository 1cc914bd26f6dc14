"""Files and other libraries' memory: states, weights, DLPack."""

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from . import atomic as atomic
from .dlpack import from_dlpack as from_dlpack
from .state import load as load
from .state import save as save

if _TYPE_CHECKING:
    from .weights import load_metadata as load_metadata
    from .weights import load_safetensors as load_safetensors
    from .weights import save_safetensors as save_safetensors

_WEIGHTS = ("load_metadata", "load_safetensors", "save_safetensors")  # they need an extra


def __getattr__(name: str) -> _Any:
    if name not in _WEIGHTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_importlib.import_module(".weights", __name__), name)
