"""Optimizer: parameter groups, hooks, the step, saved state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

import numpy as np

from ..config import enable_grad, mode
from ..core.origin import called_at, made_at
from ..core.variable import Variable
from ..errors import DtypeError, SettingError
from .packs import Plan, Slot, real_vector
from .recorded import record_step
from .saved import read_groups, read_slots, refuse
from .settings import faults

ndarray = np.ndarray


class Optimizer:
    """Changes parameters by their gradients; a subclass is two pure functions on arrays.

    ``init_single(p, hyper)`` gives the state that a parameter starts with, a dict of arrays (and numbers);
    ``apply_single(g, p, state, hyper, step)`` gives the new parameter and the new state. Neither changes what
    it is given. ``hyper`` is the parameter's group, ``step`` counts from 1.

    An update replaces arrays: graphs recorded before keep the old values. Parameters without a gradient are
    left out, and so is their state. What is not finite in a gradient goes into the parameter; see
    :func:`clip_grad_norm_` with ``error_if_nonfinite``.

    Args:
        params: parameters, pairs ``(name, parameter)``, or dicts with ``"params"`` and hyperparameters of
            their own: the groups.
        hyper: hyperparameters of groups that say nothing else. ``weight_decay`` λ adds λp to the gradient,
            or, for an optimiser that decouples it, shrinks p by the factor 1 - lr·λ before the update;
            ``maximize`` goes up instead of down.

    Attributes:
        param_groups: dicts with ``"params"`` and hyperparameters, which may be written to:
            ``group["lr"] = 0.1``.
        elementwise: the formula treats each element alone. It may then be given any vector: parts of a
            parameter, or several in a row; complex numbers as pairs.
        switches: hyperparameters that decide which state there is.
        decouples: weight decay does not go through the gradient.
        needs_closure: ``step`` evaluates the loss itself, several times.

    Raises:
        SettingError: no parameters, one given twice, a hyperparameter that makes no sense.
        DtypeError: something that is not a Variable.

    Example:
        >>> import numpy as np
        >>> from whence import nn, optim
        >>> class SignDescent(optim.Optimizer):
        ...     elementwise = True
        ...     def apply_single(self, g, p, state, hyper, step):
        ...         return p - hyper["lr"] * np.sign(g), state
        >>> p = nn.Parameter([1.0, 2.0])
        >>> (p**2).sum().backward()
        >>> SignDescent([p], lr=0.5).step()
        >>> print(p)
        [0.5 1.5]
    """

    elementwise: bool = False
    switches: tuple[str, ...] = ()
    decouples: bool = False
    needs_closure: bool = False
    scratch_arrays: int = 0

    def __init__(self, params: Iterable[Any], **hyper: Any) -> None:
        self.defaults = {"lr": 1e-3, "weight_decay": 0.0, "maximize": False, **hyper}
        self.param_groups: list[dict[str, Any]] = []
        self.hooks: dict[str, Callable[[list[Any]], Any]] = {}
        self._slots: dict[int, Slot] = {}
        self._plans: list[Plan | None] = []
        self._check(self.defaults)
        for group in _groups(params):
            self.add_param_group(group)

    # --- the formula -----------------------------------------------------------------------------

    def init_single(self, p: Any, hyper: Mapping[str, Any]) -> dict[str, Any]:
        """The state that a parameter with the values ``p`` starts with."""
        return {}

    def apply_single(
        self, g: Any, p: Any, state: dict[str, Any], hyper: Mapping[str, Any], step: int
    ) -> tuple[Any, dict[str, Any]]:
        """The new values and the new state of a parameter with values ``p`` and gradient ``g``."""
        raise NotImplementedError(f"{type(self).__name__} has no apply_single()")

    def decayed(self, g: Any, p: Any, hyper: Mapping[str, Any]) -> tuple[Any, Any]:
        """Gradient and parameter as the formula gets them: turned for ``maximize``, with weight decay."""
        if hyper["maximize"]:
            g = -g
        decay = hyper["weight_decay"]
        if decay and (self.decouples or hyper.get("decoupled_weight_decay")):
            p = p * (1 - hyper["lr"] * decay)
        elif decay:
            g = g + decay * p
        return g, p

    def apply_block(
        self, g: Any, p: Any, state: dict[str, Any], hyper: Any, step: int, out: Any, scratch: Any
    ) -> dict[str, Any]:
        """Update one block: write into ``out`` and the arrays of ``state``; return the numbers of the state.

        An optimiser may do in place here what :meth:`apply_single` says, with the same bits. ``scratch`` has
        ``scratch_arrays`` rows of at least the block's length.
        """
        g, p = self.decayed(g, p, hyper)
        new, after = self.apply_single(g, p, state, hyper, step)
        out[...] = new
        numbers = {}
        for name, value in after.items():
            if isinstance(state[name], ndarray):
                state[name][...] = value
            else:
                numbers[name] = value
        return numbers

    def compile_parts(self, label: str) -> Iterator[tuple[Any, Any, Any, str]]:
        """What a compiled step takes for granted: the hyperparameters but the rate, and the hooks."""
        for i, group in enumerate(self.param_groups):
            for name, value in group.items():
                if name != "lr":
                    yield group, name, value, f"{name} of group {i} of the optimiser"
        yield self.__dict__, "hooks", self.hooks, "the hooks of the optimiser"

    def compile_contents(self) -> list[str]:
        """Attributes that a compiled step takes for granted as a whole: groups may be added, state loaded."""
        return ["param_groups", "_slots"]

    # --- groups and hooks ------------------------------------------------------------------------

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add parameters with hyperparameters of their own: ``{"params": [...], "lr": 0.1}``.

        Raises:
            SettingError, DtypeError: as the constructor; then nothing is added.
        """
        given = dict(group)
        named = _parameters(given.pop("params", ()))
        params = [p for _, p in named]
        hyper = {name: _plain(value) for name, value in {**self.defaults, **given}.items()}
        if not params:
            raise SettingError(
                f"{type(self).__name__} got no parameters{called_at()}\n"
                "  → is model.parameters() an iterator that was used up already? Call it anew; a group with"
                " none is left out"
            )
        self._check(hyper, given)
        seen = set(self._slots)
        for p in params:
            if id(p) in seen:
                raise SettingError(
                    f"{p.name!r} is given twice{called_at()}\n  it was {made_at(p.edge)}\n"
                    "  → one optimiser updates a parameter once; give it in one group"
                )
            seen.add(id(p))
        self._slots.update((id(p), Slot(p, name=name)) for name, p in named)
        self.param_groups.append({"params": params, **hyper})
        self._plans.append(None)
        for hook in self.hooks.values():
            _attach(hook, self)

    def _check(self, hyper: dict[str, Any], given: Mapping[str, Any] | None = None) -> None:
        lines = faults(hyper)
        lines += [
            f"it has no {name}" for name in given or () if name not in self.defaults and name != "initial_lr"
        ]
        if lines:
            raise SettingError(f"{type(self).__name__}{called_at()}: " + "; ".join(lines))

    def add_hook(self, hook: Callable[[list[Any]], Any], name: str | None = None) -> Self:
        """Call ``hook(params)`` before each update, with the parameters that have gradients.

        It may set ``p.grad``, to None too: then the parameter stays as it is. Hooks run in the order in
        which they were added. See :class:`WeightDecay`, :class:`ClipGradNorm`, :class:`Freeze`.

        Args:
            hook: the function.
            name: to remove it by; its class or function name if None.

        Raises:
            SettingError: there is a hook of this name.
        """
        label = name or getattr(hook, "__name__", type(hook).__name__)
        if label in self.hooks:
            raise SettingError(
                f"there is a hook {label!r} already{called_at()}\n  → give another name: add_hook(hook, name)"
            )
        _attach(hook, self)
        self.hooks[label] = hook
        return self

    def remove_hook(self, name: str) -> None:
        """Remove a hook.

        Raises:
            SettingError: there is none of this name.
        """
        if name not in self.hooks:
            raise SettingError(f"no hook {name!r}{called_at()}\n  → one of {list(self.hooks)}")
        del self.hooks[name]

    def named_parameters(self) -> list[tuple[str | None, Any]]:
        """All parameters with the names that the optimiser was given, or with their own."""
        return [(slot.name, slot.param) for slot in self._slots.values()]

    # --- the step --------------------------------------------------------------------------------

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; with ``set_to_none=False`` set those that are there to zero."""
        tracer = mode().tracer
        for slot in self._slots.values():
            p = slot.param
            if tracer is not None and set_to_none:
                tracer.clear(p)
            p.grad = None if set_to_none or p.grad is None else Variable(np.zeros_like(p._data))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: clears the gradients, computes the loss, calls ``backward()``, returns the loss.

        Returns:
            What the closure returned.

        Raises:
            ShapeError, DtypeError: a gradient does not fit its parameter; then nothing is updated.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        if self.hooks:
            self._run_hooks()
        if mode().tracer is not None:
            record_step(self, mode().tracer)
            return loss
        work = [self._work(i, group) for i, group in enumerate(self.param_groups)]
        for group, (plan, gradients) in zip(self.param_groups, work, strict=True):
            for pack, g in zip(plan.packs, gradients, strict=True):
                pack.update(self, group, g)
        return loss

    def _run_hooks(self) -> None:
        for hook in self.hooks.values():
            hook([slot.param for slot in self._slots.values() if slot.param.grad is not None])

    def _work(self, i: int, group: dict[str, Any]) -> tuple[Plan, list[Any]]:
        plan = self._plans[i]
        gradients = plan.gradients(self, group) if plan is not None else None
        if plan is None or gradients is None:
            plan = self._plans[i] = Plan(self, group, [self._slots[id(p)] for p in group["params"]])
            gradients = plan.gradients(self, group)
        assert gradients is not None
        return plan, gradients

    # --- saved state -----------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Copies of everything that the next steps depend on, besides parameters and hooks.

        ``{"optimizer": name, "state": {0: {"step": 3, name: array}}, "param_groups": [...]}``; parameters
        are numbered through all groups.
        """
        state: dict[int, dict[str, Any]] = {}
        groups, count = [], 0
        for group in self.param_groups:
            numbers = range(count, count + len(group["params"]))
            count = numbers.stop
            for i, p in zip(numbers, group["params"], strict=True):
                slot = self._slots[id(p)]
                if slot.step:
                    state[i] = {"step": slot.step} | {k: _copied(v) for k, v in slot.state.items()}
            groups.append({**group, "params": list(numbers)})
        return {"optimizer": type(self).__name__, "state": state, "param_groups": groups}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state, to the bit; on an error nothing is loaded.

        Raises:
            StateError: it lists everything that does not fit.
        """
        problems: list[str] = []
        groups = read_groups(self, state, problems)
        slots = [] if problems else self._read_state(state.get("state"), groups, problems)
        if problems:
            refuse(type(self).__name__, problems)
        self._install(slots)
        for mine, saved in zip(self.param_groups, groups, strict=True):
            params = mine["params"]
            mine.clear()
            mine.update({**saved, "params": params})
        self._plans = [None] * len(self.param_groups)

    def _read_state(self, saved: Any, groups: list[dict[str, Any]], problems: list[str]) -> Any:
        return read_slots(self, saved, groups, problems)

    def _install(self, slots: Any) -> None:
        for slot in slots:
            slot.name = self._slots[id(slot.param)].name
        self._slots = {id(slot.param): slot for slot in slots}

    def expected_state(self, p: Any, hyper: Mapping[str, Any]) -> dict[str, Any]:
        """The state that :meth:`init_single` starts with, in the parameter's own shape."""
        if not self.elementwise:
            return self.init_single(p._data, hyper)
        fresh = self.init_single(real_vector(p._data), hyper)
        return {
            name: value.view(p._data.dtype).reshape(p._data.shape) if isinstance(value, ndarray) else value
            for name, value in fresh.items()
        }

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_slots": list(self._slots.values()), "_plans": [None] * len(self._plans)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._slots = {id(slot.param): slot for slot in state["_slots"]}

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            settings = ", ".join(f"{name}={value!r}" for name, value in group.items() if name != "params")
            lines.append(f"  {i}: {len(group['params'])} parameters, {settings}")
        return "\n".join([*lines, ")"])


def _groups(params: Any) -> list[Any]:
    """A list of dicts, whatever form the parameters were given in."""
    if isinstance(params, Mapping):
        raise DtypeError(
            f"an optimiser takes a list of parameters or of groups, not one dict{called_at()}\n"
            '  → [{"params": ...}] for one group'
        )
    if isinstance(params, Variable) or hasattr(params, "parameters") or not isinstance(params, Iterable):
        return [{"params": params}]
    listed = list(params)
    if listed and all(isinstance(part, Mapping) for part in listed):
        return listed
    return [{"params": listed}]


def _parameters(params: Any) -> list[tuple[str | None, Any]]:
    """The parameters of a group, with the names that are given with them."""
    if hasattr(params, "parameters") or not isinstance(params, Iterable):
        raise DtypeError(
            f"an optimiser takes parameters, not a {type(params).__name__}{called_at()}\n"
            "  → model.parameters()"
        )
    found = []
    for part in [params] if isinstance(params, Variable) else params:
        name, p = part if isinstance(part, tuple) and len(part) == 2 else (None, part)
        if not isinstance(p, Variable):
            raise DtypeError(
                f"an optimiser takes parameters, not {type(p).__name__}{called_at()}\n"
                "  → nn.Parameter(values), or model.parameters()"
            )
        if p.creator is not None:
            raise SettingError(
                f"an optimiser updates inputs; this Variable was {made_at(p.edge)}{called_at()}\n"
                "  → give what it was made from, or v.detach()"
            )
        if p._data is not None and p._data.dtype.kind not in "fc":
            raise DtypeError(f"values of dtype {p._data.dtype} cannot be learned{called_at()}")
        found.append((name, p))
    return found


def _attach(hook: Any, optimizer: Optimizer) -> None:
    if hasattr(hook, "attach"):
        hook.attach(optimizer)


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, ndarray) else value


def _plain(value: Any) -> Any:
    """A NumPy number as Python's, which does not widen float32."""
    return value.item() if isinstance(value, np.generic) else value
