"""DeZero's optimisers and hooks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np

from .core import Parameter, Variable, plain

Hook = Callable[[list[Any]], None]


class Optimizer:
    """Moves the parameters of a target against their gradients; subclasses write :meth:`update_one`."""

    def __init__(self) -> None:
        self.target: Any = None
        self.hooks: list[Hook] = []
        self.states: dict[int, list[np.ndarray]] = {}

    def setup(self, target: Any) -> Self:
        """Update the parameters of ``target``: a layer, a model, anything with ``params()``."""
        self.target = target
        return self

    def update(self) -> None:
        """One step for each parameter that has a gradient; hooks first."""
        params = [p for p in self.target.params() if p.grad is not None]
        for hook in self.hooks:
            hook(params)
        for param in params:
            if param.grad is not None:
                self.update_one(param)

    def update_one(self, param: Any) -> None:
        """Give one parameter its new values."""
        raise NotImplementedError(f"{type(self).__name__} has no update_one()")

    def add_hook(self, hook: Hook) -> None:
        """Call ``hook(params)`` before each step, for example to change gradients."""
        self.hooks.append(hook)

    def slots(self, param: Any, count: int) -> list[np.ndarray]:
        """Arrays that are kept for a parameter, zeros at first."""
        key = id(param)
        if key not in self.states:
            self.states[key] = [np.zeros_like(param._data) for _ in range(count)]
        return self.states[key]


def _move(param: Any, step: np.ndarray) -> None:
    param.assign((param._data - step).astype(param.dtype, copy=False))


class SGD(Optimizer):
    """``p -= lr g``."""

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__()
        self.lr = lr

    def update_one(self, param: Any) -> None:
        """One step."""
        _move(param, self.lr * plain(param.grad))


class MomentumSGD(Optimizer):
    """``v = momentum v - lr g; p += v`` (Polyak, 1964)."""

    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__()
        self.lr, self.momentum = lr, momentum

    def update_one(self, param: Any) -> None:
        """One step."""
        (v,) = self.slots(param, 1)
        v *= self.momentum
        v -= self.lr * plain(param.grad)
        _move(param, -v)


class AdaGrad(Optimizer):
    """``h += g²; p -= lr g / (√h + eps)`` (Duchi, Hazan and Singer, 2011)."""

    def __init__(self, lr: float = 0.001, eps: float = 1e-8) -> None:
        super().__init__()
        self.lr, self.eps = lr, eps

    def update_one(self, param: Any) -> None:
        """One step."""
        (h,) = self.slots(param, 1)
        g = plain(param.grad)
        h += g * g
        _move(param, self.lr * g / (np.sqrt(h) + self.eps))


class AdaDelta(Optimizer):
    """Steps in the ratio of the running sizes of steps and gradients (Zeiler, 2012)."""

    def __init__(self, rho: float = 0.95, eps: float = 1e-6) -> None:
        super().__init__()
        self.rho, self.eps = rho, eps

    def update_one(self, param: Any) -> None:
        """One step."""
        gradients, steps = self.slots(param, 2)
        g = plain(param.grad)
        gradients += (1 - self.rho) * (g * g - gradients)
        step = np.sqrt((steps + self.eps) / (gradients + self.eps)) * g
        steps += (1 - self.rho) * (step * step - steps)
        _move(param, step)


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015), in the form with ``eps`` beside the uncorrected root."""

    def __init__(
        self, alpha: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        super().__init__()
        self.t = 0
        self.alpha, self.beta1, self.beta2, self.eps = alpha, beta1, beta2, eps

    def update(self) -> None:
        """One step for each parameter that has a gradient; hooks first."""
        self.t += 1
        super().update()

    @property
    def lr(self) -> float:
        """The rate of this step, corrected for the averages that began at zero."""
        return self.alpha * math.sqrt(1 - self.beta2**self.t) / (1 - self.beta1**self.t)

    def update_one(self, param: Any) -> None:
        """One step."""
        m, v = self.slots(param, 2)
        g = plain(param.grad)
        m += (1 - self.beta1) * (g - m)
        v += (1 - self.beta2) * (g * g - v)
        _move(param, self.lr * m / (np.sqrt(v) + self.eps))


# --- hooks ---------------------------------------------------------------------------------------


class WeightDecay:
    """``g += rate p``."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, params: Iterable[Any]) -> None:
        """Change the gradients."""
        for param in params:
            _set_gradient(param, plain(param.grad) + self.rate * param._data)


class ClipGrad:
    """All gradients scaled so that their norm together is at most ``max_norm``."""

    def __init__(self, max_norm: float) -> None:
        self.max_norm = max_norm

    def __call__(self, params: Iterable[Any]) -> None:
        """Change the gradients."""
        params = list(params)
        norm = math.sqrt(sum(float((plain(param.grad) ** 2).sum()) for param in params))
        rate = self.max_norm / (norm + 1e-6)
        if rate < 1:
            for param in params:
                _set_gradient(param, plain(param.grad) * rate)


class FreezeParam:
    """These parameters, or those of these layers, are left as they are."""

    def __init__(self, *layers: Any) -> None:
        self.freeze_params: list[Any] = []
        for layer in layers:
            self.freeze_params += [layer] if isinstance(layer, Parameter) else list(layer.params())

    def __call__(self, params: Iterable[Any]) -> None:
        """Change the gradients."""
        for param in self.freeze_params:
            param.cleargrad()


def _set_gradient(param: Any, g: np.ndarray) -> None:
    param.grad = Variable(np.asarray(g))
