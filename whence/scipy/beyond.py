"""What the mirrors do with the rest of a SciPy module: pass it on, but never lose a gradient."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from ..config import mode
from ..core.origin import called_at
from ..core.variable import Variable
from ..errors import NoGradientError
from ..tree import flatten, map_tree

REMEDY = "pass v.data to treat the value as a constant, or declare the gradient with whence.primitive"


def holds_variable(*trees: Any) -> bool:
    """Is there a Variable anywhere in these containers (and is it being recorded)?"""
    return mode().recording and any(True for _ in variables_in(trees))


def variables_in(tree: Any) -> Iterator[Variable]:
    """The Variables in a container."""
    return (leaf for leaf in flatten(tree)[0] if isinstance(leaf, Variable))


def bare(tree: Any) -> Any:
    """The container with the bare values of its Variables."""
    if isinstance(tree, Variable):
        return tree._data
    if not isinstance(tree, (tuple, list, dict)) or not any(True for _ in variables_in(tree)):
        return tree
    return map_tree(lambda leaf: leaf._data if isinstance(leaf, Variable) else leaf, tree)


def no_gradient(name: str, remedy: str = REMEDY) -> NoGradientError:
    """The error for a function, or a keyword of it, that has no gradient."""
    return NoGradientError(f"{name} has no gradient in whence{called_at()}\n  → {remedy}")


def refusing(function: Callable[..., Any], name: str, remedy: str = REMEDY) -> Callable[..., Any]:
    """``function`` for plain arguments; for Variables an error that names the remedy."""

    @functools.wraps(function)
    def plain_only(*args: Any, **kwargs: Any) -> Any:
        if holds_variable(args, kwargs):
            raise no_gradient(name, remedy)
        return function(*bare(args), **bare(kwargs))

    return plain_only


def passed_on(module: ModuleType, name: str, remedies: dict[str, str] | None = None) -> Any:
    """The attribute ``name`` of a SciPy module that its mirror has no gradient for."""
    found = getattr(module, name)  # SciPy's own AttributeError where it has none
    if isinstance(found, ModuleType) or not callable(found):
        return found
    if inspect.isclass(found) and not (remedies and name in remedies):
        return found  # what it makes of a Variable is refused where it asks for a plain array
    return refusing(found, f"{module.__name__}.{name}", (remedies or {}).get(name, REMEDY))
