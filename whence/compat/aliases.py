"""Another library's module names, answered by the package here that stands for it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_HERE = __name__.rpartition(".")[0]


class Alias(MetaPathFinder, Loader):
    """Imports ``name`` and what is below it as the modules of ``whence.compat.name``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.specs: dict[str, Any] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A spec for names that are ours, else None."""
        if fullname != self.name and not fullname.startswith(self.name + "."):
            return None
        try:
            module = importlib.import_module(f"{_HERE}.{fullname}")
        except ModuleNotFoundError:
            return None
        self.specs[fullname] = module.__spec__
        return ModuleSpec(fullname, self, is_package=hasattr(module, "__path__"))

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module that stands for the name."""
        return importlib.import_module(f"{_HERE}.{spec.name}")

    def exec_module(self, module: ModuleType) -> None:
        """It has run already; importing it by another name leaves it as it was."""
        for spec in self.specs.values():
            if spec.name == module.__name__:
                module.__spec__ = spec


def install(name: str) -> None:
    """From now on ``import name`` imports ``whence.compat.name``.

    Raises:
        ImportError: the library itself has been imported already.
    """
    module = sys.modules.get(name)
    if module is not None and not module.__name__.startswith(_HERE):
        raise ImportError(f"{name} has been imported already; install the alias before anything imports it")
    if not any(isinstance(finder, Alias) and finder.name == name for finder in sys.meta_path):
        sys.meta_path.insert(0, Alias(name))
