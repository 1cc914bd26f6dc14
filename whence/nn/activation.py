"""Layers that are activations; each is the function of its name, without parameters but for PReLU.

``inplace`` is taken so that PyTorch's calls fit; nothing is ever written in place.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.variable import Parameter
from .dtypes import default_dtype
from .functions import activation as f
from .module import Module


class _Plain(Module):
    """A function of x without options."""

    def __init__(self, inplace: bool = False) -> None:
        del inplace


class ReLU(_Plain):
    """``max(x, 0)``: see ``functional.relu``."""

    def forward(self, x: Any) -> Any:
        """``relu(x)``."""
        return f.relu(x)


class ReLU6(_Plain):
    """``min(max(x, 0), 6)``: see ``functional.relu6``."""

    def forward(self, x: Any) -> Any:
        """``relu6(x)``."""
        return f.relu6(x)


class SELU(_Plain):
    """Scaled elu that keeps mean 0 and variance 1: see ``functional.selu``."""

    def forward(self, x: Any) -> Any:
        """``selu(x)``."""
        return f.selu(x)


class SiLU(_Plain):
    """``x sigmoid(x)``: see ``functional.silu``."""

    def forward(self, x: Any) -> Any:
        """``silu(x)``."""
        return f.silu(x)


class Mish(_Plain):
    """``x tanh(softplus(x))``: see ``functional.mish``."""

    def forward(self, x: Any) -> Any:
        """``mish(x)``."""
        return f.mish(x)


class Sigmoid(_Plain):
    """``1 / (1 + e^-x)``: see ``functional.sigmoid``."""

    def forward(self, x: Any) -> Any:
        """``sigmoid(x)``."""
        return f.sigmoid(x)


class LogSigmoid(_Plain):
    """``log(sigmoid(x))``: see ``functional.logsigmoid``."""

    def forward(self, x: Any) -> Any:
        """``logsigmoid(x)``."""
        return f.logsigmoid(x)


class Tanh(_Plain):
    """``tanh(x)``: see ``functional.tanh``."""

    def forward(self, x: Any) -> Any:
        """``tanh(x)``."""
        return f.tanh(x)


class Hardsigmoid(_Plain):
    """``relu6(x + 3) / 6``: see ``functional.hardsigmoid``."""

    def forward(self, x: Any) -> Any:
        """``hardsigmoid(x)``."""
        return f.hardsigmoid(x)


class Hardswish(_Plain):
    """``x relu6(x + 3) / 6``: see ``functional.hardswish``."""

    def forward(self, x: Any) -> Any:
        """``hardswish(x)``."""
        return f.hardswish(x)


class Softsign(_Plain):
    """``x / (1 + |x|)``: see ``functional.softsign``."""

    def forward(self, x: Any) -> Any:
        """``softsign(x)``."""
        return f.softsign(x)


class Tanhshrink(_Plain):
    """``x - tanh(x)``: see ``functional.tanhshrink``."""

    def forward(self, x: Any) -> Any:
        """``tanhshrink(x)``."""
        return f.tanhshrink(x)


class LeakyReLU(Module):
    """``x`` above 0, ``negative_slope x`` below: see ``functional.leaky_relu``."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        del inplace
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        """``leaky_relu`` of x."""
        return f.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """The options."""
        return f"negative_slope={self.negative_slope!r}"


class ELU(Module):
    """``x`` above 0, ``alpha (e^x - 1)`` below: see ``functional.elu``."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        del inplace
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        """``elu`` of x."""
        return f.elu(x, self.alpha)

    def extra_repr(self) -> str:
        """The options."""
        return f"alpha={self.alpha!r}"


class CELU(Module):
    """``x`` above 0, ``alpha (e^(x/alpha) - 1)`` below: see ``functional.celu``."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        del inplace
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        """``celu`` of x."""
        return f.celu(x, self.alpha)

    def extra_repr(self) -> str:
        """The options."""
        return f"alpha={self.alpha!r}"


class GELU(Module):
    """``x Φ(x)``, or its approximation by tanh: see ``functional.gelu``."""

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        """``gelu`` of x."""
        return f.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        """The options."""
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """``log(1 + e^(beta x)) / beta``: see ``functional.softplus``."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Any) -> Any:
        """``softplus`` of x."""
        return f.softplus(x, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """The options."""
        return f"beta={self.beta!r}, threshold={self.threshold!r}"


class Hardtanh(Module):
    """``x`` cut off at both ends: see ``functional.hardtanh``."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        del inplace
        self.min_val, self.max_val = min_val, max_val

    def forward(self, x: Any) -> Any:
        """``hardtanh`` of x."""
        return f.hardtanh(x, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        """The options."""
        return f"min_val={self.min_val!r}, max_val={self.max_val!r}"


class Hardshrink(Module):
    """``x`` where ``|x| > lambd``, else 0: see ``functional.hardshrink``."""

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, x: Any) -> Any:
        """``hardshrink`` of x."""
        return f.hardshrink(x, self.lambd)

    def extra_repr(self) -> str:
        """The options."""
        return f"lambd={self.lambd!r}"


class Softshrink(Module):
    """``x`` moved by ``lambd`` towards 0: see ``functional.softshrink``."""

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, x: Any) -> Any:
        """``softshrink`` of x."""
        return f.softshrink(x, self.lambd)

    def extra_repr(self) -> str:
        """The options."""
        return f"lambd={self.lambd!r}"


class Threshold(Module):
    """``x`` above ``threshold``, elsewhere ``value``: see ``functional.threshold``."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        del inplace
        self.threshold, self.value = threshold, value

    def forward(self, x: Any) -> Any:
        """``threshold`` of x."""
        return f.threshold(x, self.threshold, self.value)

    def extra_repr(self) -> str:
        """The options."""
        return f"threshold={self.threshold!r}, value={self.value!r}"


class Softmax(Module):
    """``e^x / sum(e^x)`` along an axis: see ``functional.softmax``."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """``softmax`` of x."""
        return f.softmax(x, self.dim)

    def extra_repr(self) -> str:
        """The options."""
        return f"dim={self.dim!r}"


class LogSoftmax(Module):
    """``log(softmax(x))`` along an axis: see ``functional.log_softmax``."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """``log_softmax`` of x."""
        return f.log_softmax(x, self.dim)

    def extra_repr(self) -> str:
        """The options."""
        return f"dim={self.dim!r}"


class Softmin(Module):
    """``softmax(-x)`` along an axis: see ``functional.softmin``."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """``softmin`` of x."""
        return f.softmin(x, self.dim)

    def extra_repr(self) -> str:
        """The options."""
        return f"dim={self.dim!r}"


class GLU(Module):
    """``a sigmoid(b)`` of the halves of x along an axis: see ``functional.glu``."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """``glu`` of x."""
        return f.glu(x, self.dim)

    def extra_repr(self) -> str:
        """The options."""
        return f"dim={self.dim!r}"


class PReLU(Module):
    """``x`` above 0, ``weight x`` below, with slopes that are learned: see ``functional.prelu``.

    Args:
        num_parameters: 1, or the number of channels (the second axis of x).
        init: the first slope.
        dtype: of the slopes; None for the default.

    Example:
        >>> print(PReLU()(np.array([-4.0, 2.0])))
        [-1.  2.]
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, dtype: Any = None) -> None:
        self.num_parameters = num_parameters
        self.weight = Parameter(np.full(num_parameters, init, default_dtype(dtype)))

    def forward(self, x: Any) -> Any:
        """``prelu(x, weight)``."""
        return f.prelu(x, self.weight)

    def extra_repr(self) -> str:
        """How many slopes."""
        return f"num_parameters={self.num_parameters}"
