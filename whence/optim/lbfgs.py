"""L-BFGS: a quasi-Newton method for full batches."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..config import enable_grad
from ..core.origin import called_at
from ..core.variable import Variable
from ..errors import DtypeError, SettingError
from .optimizer import Optimizer
from .packs import gradient, replace
from .saved import fitted, listed, whole
from .wolfe import Point, strong_wolfe

#: What it remembers from one iteration to the next, besides counts and numbers.
_VECTORS = ("d", "prev_flat_grad")
_HISTORIES = ("old_dirs", "old_stps")
_NUMBERS = ("t", "H_diag", "prev_loss")


class LBFGS(Optimizer):
    """Limited-memory BFGS: steps along ``-H g``, with H from the last changes of position and gradient.

    ``step(closure)`` makes up to ``max_iter`` iterations and calls the closure up to ``max_eval`` times. It
    goes on where the step before ended. Nocedal and Wright, *Numerical optimization* (2006), algorithms 7.4
    and 7.5. All parameters are one group, real and of one type. Hooks run after each call of the closure.

    Args:
        params: see :class:`Optimizer`.
        lr: the length of a step, without a line search; the first to try, with one.
        max_iter, max_eval: see above; ``max_eval`` is 1.25 ``max_iter`` if None.
        tolerance_grad: it stops where no component of the gradient is greater.
        tolerance_change: it stops where neither the parameters nor the loss change by more.
        history_size: how many changes are remembered.
        line_search_fn: None or ``"strong_wolfe"``.
        bounds: ``(lower, upper)`` for all elements: numbers, or lists with a number, an array or None for
            each parameter. The method is then SciPy's L-BFGS-B, with a search of its own, which begins anew
            at each step.

    Raises:
        SettingError: more than one group; bounds that leave nothing.

    Example:
        >>> import numpy as np
        >>> from whence import nn, optim
        >>> p = nn.Parameter([-1.0, 2.0])
        >>> optimizer = optim.LBFGS([p], line_search_fn="strong_wolfe", max_iter=50)
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
        ...     loss.backward()
        ...     return loss
        >>> first = optimizer.step(closure)
        >>> print(np.round(p.data, 5))
        [1. 1.]
    """

    needs_closure = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
        bounds: tuple[Any, Any] | None = None,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            max_iter=max_iter,
            max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change,
            history_size=history_size,
            line_search_fn=line_search_fn,
        )
        self.bounds = bounds
        self._memory: dict[str, Any] = _nothing()
        if bounds is not None:
            self._box()

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Set the only group.

        Raises:
            SettingError: there is one already.
        """
        if self.param_groups:
            raise SettingError(f"LBFGS has one group of parameters{called_at()}\n  → give all in one list")
        super().add_param_group(group)
        if any(p._data is not None and p._data.dtype.kind == "c" for p in self.param_groups[0]["params"]):
            self.param_groups.clear()
            self._slots.clear()
            raise DtypeError(f"LBFGS takes real parameters{called_at()}\n  → real and imaginary parts")

    # --- the function along a line ---------------------------------------------------------------

    def _values(self) -> Any:
        return np.concatenate([p._data for p in self.param_groups[0]["params"]], axis=None)

    def _move(self, x: Any) -> None:
        start = 0
        for p in self.param_groups[0]["params"]:
            end = start + p._data.size
            replace(p, x[start:end].reshape(p._data.shape).astype(p._data.dtype, copy=True))
            start = end

    def _evaluate(self, closure: Callable[[], Any]) -> tuple[Any, float, Any]:
        """What the closure returns, that as a number, and the gradient in a row."""
        with enable_grad():
            result = closure()
        if result is None:
            raise SettingError(f"the closure returned nothing{called_at()}\n  → return the loss")
        if self.hooks:
            self._run_hooks()
        parts = [(p, gradient(p)) for p in self.param_groups[0]["params"]]
        flat = np.concatenate([np.zeros_like(p._data) if g is None else g for p, g in parts], axis=None)
        self._memory["func_evals"] += 1
        return result, float(result._data if isinstance(result, Variable) else result), flat

    # --- the step --------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Iterate.

        Args:
            closure: clears the gradients, computes the loss, calls ``backward()``, returns the loss.

        Returns:
            What the closure returned at first.
        """
        if closure is None:
            raise SettingError(
                f"LBFGS evaluates the loss several times in a step{called_at()}\n"
                "  → step(closure), where closure clears the gradients, calls backward() and returns the loss"
            )
        memory, before = dict(self._memory), [p._data for p in self.param_groups[0]["params"]]
        try:
            return self._boxed_step(closure) if self.bounds is not None else self._iterate(closure)
        except BaseException:  # the closure's, most likely: everything as it was before the step
            self._memory = memory
            for p, data in zip(self.param_groups[0]["params"], before, strict=True):
                replace(p, data)
            raise

    @property
    def searches(self) -> bool:
        """Does it look for a good length of each step?"""
        return self.bounds is not None or self.param_groups[0]["line_search_fn"] is not None

    def _iterate(self, closure: Callable[[], Any]) -> Any:
        hyper, memory = self.param_groups[0], self._memory
        result, loss, g = self._evaluate(closure)
        evaluations = 1
        for n in range(1, hyper["max_iter"] + 1):
            if _greatest(g) <= hyper["tolerance_grad"]:
                break
            d, t = self._direction(g, loss)
            slope = float(g @ d)
            if slope > -hyper["tolerance_change"]:
                break
            last = n == hyper["max_iter"]
            loss, g, used = self._along(closure, Point(0.0, loss, g, slope), last, evaluations)
            evaluations += used
            t = memory["t"]
            moved = _greatest(d) * abs(t)
            if last or evaluations >= hyper["max_eval"] or _greatest(g) <= hyper["tolerance_grad"]:
                break
            if moved <= hyper["tolerance_change"]:
                break
            if abs(loss - memory["prev_loss"]) < hyper["tolerance_change"]:
                break
        return result

    def _direction(self, g: Any, loss: float) -> tuple[Any, float]:
        """Take in the last change, and give the next direction and the length to try first."""
        memory, hyper = self._memory, self.param_groups[0]
        memory["n_iter"] += 1
        first = memory["n_iter"] == 1
        if first:
            memory.update(old_dirs=[], old_stps=[], H_diag=1.0)
            d = -g
        else:
            y, s = g - memory["prev_flat_grad"], memory["d"] * memory["t"]
            curvature = float(y @ s)
            if curvature > 1e-10:
                for name, change in (("old_dirs", y), ("old_stps", s)):
                    memory[name] = [*memory[name], change][-hyper["history_size"] :]
                memory["H_diag"] = curvature / float(y @ y)
            d = two_loops(g, memory["old_dirs"], memory["old_stps"], memory["H_diag"])
        t = min(1.0, 1.0 / float(np.sum(np.abs(g)))) * hyper["lr"] if first else hyper["lr"]
        memory.update(d=d, t=t, prev_flat_grad=g, prev_loss=loss)
        return d, t

    def _along(
        self, closure: Callable[[], Any], start: Point, last: bool, evaluations: int
    ) -> tuple[float, Any, int]:
        """Move along the direction; the loss and the gradient there, and how many evaluations it took."""
        memory, hyper = self._memory, self.param_groups[0]
        x, d, t = self._values(), memory["d"], memory["t"]
        if hyper["line_search_fn"] is None:
            self._move(x + t * d)
            if last:  # nothing reads the loss any more
                return start.value, start.gradient, 0
            _, loss, g = self._evaluate(closure)
            return loss, g, 1

        def at(length: float) -> Point:
            self._move(x + length * d)
            _, value, g = self._evaluate(closure)
            return Point(length, value, g, float(g @ d))

        found, used = strong_wolfe(
            at, start, t, _greatest(d), hyper["tolerance_change"], hyper["max_eval"] - evaluations
        )
        memory["t"] = found.t
        self._move(x + found.t * d)
        return found.value, found.gradient, used

    # --- bounds ----------------------------------------------------------------------------------

    def _box(self) -> tuple[Any, Any]:
        """The bounds of each element, in a row."""
        ends = self.bounds
        if not isinstance(ends, (tuple, list)) or len(ends) != 2:
            raise SettingError(f"bounds is a pair (lower, upper), not {ends!r}{called_at()}")
        params, rows = self.param_groups[0]["params"], []
        for end, none in zip(ends, (-np.inf, np.inf), strict=True):
            parts = list(end) if isinstance(end, (tuple, list)) else [end] * len(params)
            if len(parts) != len(params):
                raise SettingError(f"bounds for {len(parts)} of {len(params)} parameters{called_at()}")
            pairs = zip(parts, params, strict=True)
            rows.append([np.broadcast_to(none if b is None else b, p._data.shape) for b, p in pairs])
        low, high = (np.concatenate(row, axis=None).astype(np.float64) for row in rows)
        if not np.all(low <= high):
            raise SettingError(f"a lower bound is above the upper one{called_at()}")
        return low, high

    def _boxed_step(self, closure: Callable[[], Any]) -> Any:
        low, high = self._box()
        first: list[Any] = []

        def f(x: Any) -> tuple[float, Any]:
            self._move(x)
            result, loss, g = self._evaluate(closure)
            first.append(result)
            return loss, g.astype(np.float64)

        minimize_in_box = importlib.import_module(".boxed", __package__).minimize_in_box
        found = minimize_in_box(f, np.clip(self._values(), low, high), (low, high), self.param_groups[0])
        self._move(found.x)
        self._memory["n_iter"] += int(found.nit)
        return first[0]

    # --- saved state -----------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """As :meth:`Optimizer.state_dict`; the state is one, of all parameters together."""
        saved = super().state_dict()
        memory = self._memory
        state = {name: memory[name] for name in ("func_evals", "n_iter")}
        if memory["n_iter"] and memory["d"] is not None:
            state |= {name: memory[name] for name in _NUMBERS}
            state |= {name: memory[name].copy() for name in _VECTORS}
            state |= {name: np.array(memory[name]).reshape(-1, memory["d"].size) for name in _HISTORIES}
        return {**saved, "state": {0: state}}

    def _read_state(self, saved: Any, groups: list[dict[str, Any]], problems: list[str]) -> Any:
        state = saved.get(0, saved.get("0")) if isinstance(saved, Mapping) else None
        if not isinstance(state, Mapping) or len(saved) != 1:
            problems.append("state is not that of one group of parameters")
            return None
        started = "d" in state
        names = ["func_evals", "n_iter", *((*_NUMBERS, *_VECTORS, *_HISTORIES) if started else ())]
        listed("state", names, state, problems)
        memory = _nothing()
        for name in ("func_evals", "n_iter"):
            count = whole(state.get(name, 0), 0)
            if count is None:
                problems.append(f"{name} is {state[name]!r}, not a whole number")
            memory[name] = count
        if started and not problems:
            like = self._values()
            memory |= {name: fitted(state[name], 0.0, name, problems) for name in _NUMBERS}
            memory |= {name: fitted(state[name], like, name, problems) for name in _VECTORS}
            count = np.shape(state[_HISTORIES[0]])[:1]
            for name in _HISTORIES:
                shape = np.empty((*count, like.size), like.dtype)
                memory[name] = list(fitted(state[name], shape, name, problems))
        return memory

    def _install(self, slots: Any) -> None:
        self._memory = slots


def two_loops(g: Any, ys: list[Any], ss: list[Any], scale: float) -> Any:
    """``-H g``: Nocedal and Wright (2006), algorithm 7.4."""
    q, weights = -g, []
    for y, s in zip(reversed(ys), reversed(ss), strict=True):
        weight = float(s @ q) / float(y @ s)
        q = q - weight * y
        weights.append(weight)
    r = q * scale
    for y, s, weight in zip(ys, ss, reversed(weights), strict=True):
        r = r + s * (weight - float(y @ r) / float(y @ s))
    return r


def _greatest(x: Any) -> float:
    return float(np.max(np.abs(x), initial=0.0))


def _nothing() -> dict[str, Any]:
    return {"func_evals": 0, "n_iter": 0, "d": None, "prev_flat_grad": None, "old_dirs": [], "old_stps": []}
