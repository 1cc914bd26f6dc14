"""Modules made of modules: one after the other, a list, a dict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from reprlib import recursive_repr
from typing import Any, overload

from ..core.origin import called_at
from ..errors import DtypeError
from .module import Module


class Sequential(Module):
    """One module after the other; plain functions (``np.tanh``) may stand among them.

    Args:
        layers: modules or functions of one argument, or one dict of them by name.

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> model = nn.Sequential(nn.Linear(3, 4), np.tanh, nn.Linear(4, 2))
        >>> model(np.ones((5, 3))).shape, len(model)
        ((5, 2), 3)
    """

    def __init__(self, *layers: Callable[[Any], Any] | Mapping[str, Callable[[Any], Any]]) -> None:
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            named = dict(layers[0])
        else:
            named = {str(i): layer for i, layer in enumerate(layers)}
        self._order: list[str] = []
        for name, layer in named.items():
            self._add(name, layer)

    def _add(self, name: str, layer: Any) -> None:
        if not callable(layer):
            raise DtypeError(
                f"Sequential holds modules and functions, not a {type(layer).__name__}{called_at()}\n"
                "  → Sequential(a, b), not Sequential([a, b])"
            )
        self.__dict__[name] = layer
        self._order.append(name)

    def forward(self, x: Any) -> Any:
        """The last layer's result."""
        for name in self._order:
            x = self.__dict__[name](x)
        return x

    def append(self, layer: Callable[[Any], Any]) -> Sequential:
        """Add a layer at the end."""
        self._add(str(len(self._order)), layer)
        return self

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[Any]:
        return (self.__dict__[name] for name in self._order)

    def __getitem__(self, index: int | slice) -> Any:
        layers = list(self)[index]
        return Sequential(*layers) if isinstance(index, slice) else layers

    @recursive_repr()
    def __repr__(self) -> str:
        lines = []
        for name in self._order:
            layer = self.__dict__[name]
            text = repr(layer) if isinstance(layer, Module) else getattr(layer, "__name__", repr(layer))
            lines.append(f"({name}): " + text.replace("\n", "\n  "))
        return "Sequential(\n  " + "\n  ".join(lines) + "\n)" if lines else "Sequential()"


class ModuleList(Module):
    """A list of modules; a plain list in an attribute is found as well."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.items: list[Module] = list(modules)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end."""
        self.items.append(module)
        return self

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Add modules at the end."""
        self.items.extend(modules)
        return self

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.items)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    def __getitem__(self, index: int | slice) -> Any:
        return ModuleList(self.items[index]) if isinstance(index, slice) else self.items[index]

    def __setitem__(self, index: int, module: Module) -> None:
        self.items[index] = module

    def named_parts(self) -> dict[str, Any]:
        """Its modules by number: ``"layers.0.weight"``, without the name of the list."""
        return {str(i): module for i, module in enumerate(self.items)}


class ModuleDict(Module):
    """A dict of modules; a plain dict in an attribute is found as well."""

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        self.items_by_name: dict[str, Module] = dict(modules or {})

    def __getitem__(self, name: str) -> Any:
        return self.items_by_name[name]

    def __setitem__(self, name: str, module: Module) -> None:
        self.items_by_name[name] = module

    def __contains__(self, name: str) -> bool:
        return name in self.items_by_name

    def __len__(self) -> int:
        return len(self.items_by_name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.items_by_name)

    def keys(self) -> Any:
        """The names."""
        return self.items_by_name.keys()

    def values(self) -> Any:
        """The modules."""
        return self.items_by_name.values()

    def items(self) -> Any:
        """Names and modules."""
        return self.items_by_name.items()

    def named_parts(self) -> dict[str, Any]:
        """Its modules by name: ``"heads.a.weight"``."""
        return dict(self.items_by_name)


class Identity(Module):
    """``y = x``; it takes any arguments to be made and ignores them."""

    def __init__(self, *ignored: Any, **options: Any) -> None:
        del ignored, options

    def forward(self, x: Any) -> Any:
        """``x`` itself."""
        return x
