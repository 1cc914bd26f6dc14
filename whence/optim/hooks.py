"""What may be done to gradients before an update: decay, clipping, freezing."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from ..core.origin import called_at
from ..core.variable import Variable
from ..errors import SettingError
from .clip import clip_grad_norm_, clip_grad_value_, set_gradient, with_gradients


class WeightDecay:
    """Add ``rate·p`` to each gradient: the slope of ``rate/2·‖p‖²``.

    Example:
        >>> from whence import nn, optim
        >>> p = nn.Parameter([1.0, 2.0])
        >>> optimizer = optim.SGD([p], lr=0.5).add_hook(optim.WeightDecay(0.5))
        >>> (0 * p).sum().backward()
        >>> optimizer.step()
        >>> print(p)
        [0.75 1.5 ]
    """

    def __init__(self, rate: float) -> None:
        self.rate = _not_negative("rate", rate)

    def __call__(self, params: Any) -> None:
        """Change the gradients."""
        for p, g in with_gradients(params):
            set_gradient(p, g + self.rate * p._data)


class ClipGradNorm:
    """:func:`clip_grad_norm_` before each update; ``last`` is the norm that was found."""

    def __init__(self, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False) -> None:
        self.max_norm, self.norm_type = _not_negative("max_norm", max_norm), norm_type
        self.error_if_nonfinite = error_if_nonfinite
        self.last: float | None = None

    def __call__(self, params: Any) -> None:
        """Change the gradients."""
        self.last = clip_grad_norm_(params, self.max_norm, self.norm_type, self.error_if_nonfinite)


class ClipGradValue:
    """:func:`clip_grad_value_` before each update."""

    def __init__(self, clip_value: float) -> None:
        self.clip_value = _not_negative("clip_value", clip_value)

    def __call__(self, params: Any) -> None:
        """Change the gradients."""
        clip_grad_value_(params, self.clip_value)


class Freeze:
    """Leave some parameters as they are: their gradients are dropped before each update.

    ``p.requires_grad = False`` saves the work of computing them, too.

    Args:
        what: parameters, modules, or names, with ``*`` for any part: ``"encoder.*"``. The optimiser learns
            names when it is made with ``model.named_parameters()``.

    Raises:
        SettingError: when it is added to an optimiser none of whose parameters has such a name.

    Example:
        >>> from whence import nn, optim
        >>> model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
        >>> optimizer = optim.Adam(model.named_parameters()).add_hook(optim.Freeze(model[0], "1.bias"))
    """

    def __init__(self, *what: Any) -> None:
        self.patterns = [part for part in what if isinstance(part, str)]
        self.params = []
        for part in what:
            if isinstance(part, Variable):
                self.params.append(part)
            elif hasattr(part, "parameters"):
                self.params.extend(part.parameters())
            elif not isinstance(part, str):
                raise SettingError(
                    f"Freeze takes parameters, modules and names, not {type(part).__name__}{called_at()}"
                )

    def attach(self, optimizer: Any) -> None:
        """Find the parameters that the names belong to."""
        known = optimizer.named_parameters()
        for pattern in self.patterns:
            found = [p for name, p in known if fnmatchcase(name or "", pattern)]
            if not found:
                names = ", ".join(repr(name) for name, _ in known if name)
                raise SettingError(
                    f"no parameter is named {pattern!r}{called_at()}\n"
                    f"  → one of {names or 'none'}; the optimiser learns names from model.named_parameters()"
                )
            self.params.extend(found)

    def __call__(self, params: Any) -> None:
        """Drop the gradients."""
        for p in self.params:
            p.grad = None


def _not_negative(name: str, value: float) -> float:
    if not value >= 0:
        raise SettingError(f"{name}={value!r} is not a number that is not negative{called_at()}")
    return value
