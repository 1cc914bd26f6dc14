"""Module: parameters, state and other modules, found by attribute; and the tree that they make."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy as _deepcopy
from reprlib import recursive_repr
from typing import Any, Self

import numpy as np

from ..core.graph import Constant
from ..core.origin import called_at
from ..core.variable import Parameter, Variable
from ..errors import GraphError, StateError
from .loading import load


class Buffer(Variable):
    """A value that a module keeps but does not learn: running statistics, a table of positions.

    It is saved with the parameters, and no gradient is taken for it. :meth:`assign` gives it new values.

    >>> import numpy as np
    >>> Buffer(np.zeros(2)).assign([1.0, 2.0])
    Buffer([1., 2.])
    """

    __slots__ = ()

    def __init__(self, data: Any, name: str | None = None) -> None:
        super().__init__(0 if data is None else data, name)
        if data is None:  # of unknown shape, as a Parameter may be
            self._data = None
        self.edge = Constant(self.edge._owner, self.edge._code, self.edge._lasti, name)

    is_lazy, initialize = Parameter.is_lazy, Parameter.initialize

    def __repr__(self) -> str:
        if self._data is None:
            return "Buffer(of unknown shape)"
        return super().__repr__().replace("Variable(", "Buffer(", 1)


class Module:
    """A part of a model: assign parameters, buffers and other modules to attributes, and write ``forward``.

    Attributes that are a :class:`Parameter`, a :class:`Buffer` or a Module are found, and so are lists,
    tuples and dicts of them. A module is a tree (``whence.tree``) whose leaves are its parameters: transforms
    differentiate with respect to it as they do with a dict of arrays.

    Attributes:
        training: layers such as dropout and batch normalisation look at it; see :meth:`train`.

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> class Scale(nn.Module):
        ...     def __init__(self, n):
        ...         self.factor = nn.Parameter(np.ones(n))
        ...     def forward(self, x):
        ...         return self.factor * x
        >>> model = Scale(2)
        >>> model(np.array([2.0, 3.0])).sum().backward()
        >>> print(model.factor.grad)
        [2. 3.]
        >>> model
        Scale()
    """

    training: bool = True

    def __setattr__(self, name: str, value: Any) -> None:
        old = self.__dict__.get(name)
        if isinstance(old, (Parameter, Buffer)) and not (value is None or isinstance(value, type(old))):
            raise GraphError(
                f"{type(self).__name__}.{name} is a {type(old).__name__}, and would be none{called_at()}\n"
                f"  → module.{name}.assign(values), or nn.{type(old).__name__}(values) for a new one"
            )
        if isinstance(value, _UNNAMED):
            _holds(value)  # raises for modules that would get no names
        object.__setattr__(self, name, value)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The result of the module for these inputs; every module writes its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """``forward`` of the same arguments."""
        return self.forward(*args, **kwargs)

    # --- what it holds ---------------------------------------------------------------------------

    def named_parts(self) -> dict[str, Any]:
        """Where parameters, buffers and modules are looked for: the attributes."""
        return vars(self)

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module (under the name ``""``) and all below it, each once, with dotted names."""
        seen: set[int] = set()
        for name, module in _walk(self, prefix):
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below."""
        return ((name, part) for name, part in _parts(self) if isinstance(part, Module))

    def children(self) -> Iterator[Module]:
        """The modules directly below."""
        return (part for _, part in self.named_children())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Parameters with dotted names (``"layers.0.weight"``), each once, in the order of assignment."""
        return self._named(Parameter)

    def parameters(self) -> Iterator[Parameter]:
        """The parameters, each once: what an optimiser is made with."""
        for name, p in self.named_parameters():
            if p.edge is not None and p.edge._name is None:
                p.edge._name = name  # for messages
            yield p

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """Buffers with dotted names, each once."""
        return self._named(Buffer)

    def buffers(self) -> Iterator[Buffer]:
        """The buffers, each once."""
        return (b for _, b in self.named_buffers())

    def _named(self, kind: type) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for name, value in _state(self):
            if isinstance(value, kind) and id(value) not in seen:
                seen.add(id(value))
                yield name, value

    # --- what it does with them ------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set ``training`` here and in all modules below."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """``train(False)``: dropout is off, batch normalisation uses its running statistics."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for p in self.parameters():
            p.cleargrad()

    def requires_grad_(self, wanted: bool = True) -> Self:
        """Freeze (False) or thaw all parameters."""
        for p in self.parameters():
            p.requires_grad = wanted
        return self

    def to(self, dtype: Any) -> Self:
        """Convert floating-point parameters and buffers, and forget gradients."""
        wanted = np.dtype(dtype)
        for module in self.modules():
            if "_dtype" in module.__dict__:  # of parameters that are made at the first call
                module.__dict__["_dtype"] = wanted
        for _, value in _state(self):
            if value._data is not None and value.dtype.kind == "f" and value.dtype != wanted:
                value._data, value.grad = value._data.astype(wanted), None
        return self

    def float(self) -> Self:
        """``to(np.float32)``."""
        return self.to(np.float32)

    def double(self) -> Self:
        """``to(np.float64)``."""
        return self.to(np.float64)

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call ``function`` on each module below, then on this one."""
        for module in reversed(list(self.modules())):
            function(module)
        return self

    # --- saved state -----------------------------------------------------------------------------

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all parameters and buffers by name.

        Raises:
            StateError: a parameter whose shape is not known yet.
        """
        state = {}
        for name, value in self._all_state().items():
            if value._data is None:
                raise StateError(
                    f"the shape of {name!r} is not known yet{called_at()}\n"
                    "  → call the model once on data of the right size first"
                )
            state[name] = np.array(value._data)
        return state

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Take parameters and buffers from a dict of arrays; all of them, or on an error none.

        Args:
            state: as :meth:`state_dict` gives it, also of another framework's arrays.
            strict: missing and extra keys are errors.

        Raises:
            StateError: it lists every missing, extra and wrongly shaped key; numbers that the module's type
                cannot hold; names of one parameter (tied weights) that come with different values.
        """
        load(type(self).__name__, self._all_state(), dict(_walk(self, "")), state, strict)

    def lazy_shapes(self) -> dict[str, tuple[int | None, ...]]:
        """The shapes of its own ``Parameter(None)`` and ``Buffer(None)`` by name, as far as they are known.

        None stands for the one size that is still to be learnt, wherever it occurs. Saved state is checked
        against them; of a module that names none, any shape is taken.
        """
        return {}

    def check_size(self, size: int) -> None:
        """Raise a ShapeError if the size to be learnt cannot be this one."""

    def learn_size(self, size: int) -> None:
        """Take this size, which an input or saved state has; initialise what has no values yet."""

    def _all_state(self) -> dict[str, Any]:
        """Parameters and buffers by name, no two under one."""
        named: dict[str, Any] = {}
        for name, value in _state(self):
            if named.setdefault(name, value) is not value:
                raise StateError(
                    f"two values of {type(self).__name__} have the name {name!r}{called_at()}\n"
                    "  → keys of dicts of modules without dots"
                )
        return named

    # --- a tree, for transforms ------------------------------------------------------------------

    def tree_parts(self) -> dict[str, Any]:
        """Attributes that hold parameters, by name (see ``whence.tree``)."""
        names = self.__dict__.get("_tree_names")
        if names is None:
            names = [
                name for name, value in vars(self).items() if _holds(value) and not isinstance(value, Buffer)
            ]
        parts = {name: self.__dict__[name] for name in names}
        for name, part in parts.items():
            if isinstance(part, Parameter) and part.is_lazy:
                raise StateError(
                    f"the shape of {type(self).__name__}'s {name} is not known yet{called_at()}\n"
                    "  → call the model once on data of the right size first"
                )
        return parts

    def with_tree_parts(self, parts: Mapping[str, Any]) -> Self:
        """A copy with other values in place of its parameters: Variables, or gradients."""
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__)
        copied.__dict__.update(parts)
        copied.__dict__["_tree_names"] = list(parts)
        return copied

    # --- text ------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What ``repr`` shows between the parentheses besides the modules below."""
        return ""

    @recursive_repr()
    def __repr__(self) -> str:
        below = [f"({name}): " + repr(part).replace("\n", "\n  ") for name, part in self.named_children()]
        extra = self.extra_repr()
        if not below:
            return f"{type(self).__name__}({extra})"
        lines = [*([extra] if extra else []), *below]
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copied = object.__new__(type(self))
        memo[id(self)] = copied
        for name, value in vars(self).items():
            copied.__dict__[name] = _deepcopy(value, memo)
        return copied


#: Containers whose items get no names that last: parameters in them could be neither saved nor found again.
_UNNAMED = (set, frozenset, deque, np.ndarray)


def _holds(value: Any) -> bool:
    """Is this a Parameter, a Buffer, a Module, or a container with one in it?"""
    if isinstance(value, (Parameter, Buffer, Module)):
        return True
    if isinstance(value, dict):
        value = value.values()
    elif isinstance(value, _UNNAMED):
        if isinstance(value, np.ndarray) and value.dtype.kind != "O":
            return False
        if any(_holds(part) for part in (value.flat if isinstance(value, np.ndarray) else value)):
            raise GraphError(
                f"modules or parameters in a {type(value).__name__} would not be found{called_at()}\n"
                "  → keep them in a list, a tuple or a dict, which give them names"
            )
        return False
    elif not isinstance(value, (list, tuple)):
        return False
    return any(_holds(part) for part in value)


def _opened(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A part, or the parts in a container, with dotted names."""
    if isinstance(value, (Parameter, Buffer, Module)):
        yield name, value
        return
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in pairs:
        if _holds(part):
            yield from _opened(f"{name}.{key}", part)


def _parts(module: Module) -> Iterator[tuple[str, Any]]:
    """Parameters, buffers and modules directly in ``module``."""
    for name, value in module.named_parts().items():
        if _holds(value):
            yield from _opened(name, value)


def _walk(module: Module, prefix: str, around: tuple[Module, ...] = ()) -> Iterator[tuple[str, Module]]:
    yield prefix, module
    around = _inside(module, prefix, around)
    for name, part in _parts(module):
        if isinstance(part, Module):
            yield from _walk(part, f"{prefix}.{name}" if prefix else name, around)


def _state(module: Module, prefix: str = "", around: tuple[Module, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every parameter and buffer under every name that it has."""
    around = _inside(module, prefix.removesuffix("."), around)
    for name, part in _parts(module):
        if isinstance(part, Module):
            yield from _state(part, f"{prefix}{name}.", around)
        else:
            yield f"{prefix}{name}", part


def _inside(module: Module, name: str, around: tuple[Module, ...]) -> tuple[Module, ...]:
    """The modules around the parts of this one, none of which may be among them."""
    if any(module is outer for outer in around):
        raise GraphError(
            f"a {type(module).__name__} holds itself, as its {name!r}{called_at()}\n"
            "  → pass it to forward, or keep a weakref.ref to it: modules are a tree"
        )
    return (*around, module)
