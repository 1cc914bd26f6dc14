"""Initial value problems: SciPy's solution, with the derivative of recorded steps.

The value is SciPy's, by the method that was asked for. Its derivative is that of the same problem
solved by a one-step method whose steps are recorded (see ``steps`` and ``plan``), to the tolerance of
the call or 1e-6, whichever is finer. So it goes to everything that the steps depend on: ``y0``, ``args``,
the times, what the function closes over; in both modes, to any order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import integrate

from ...config import mode, no_grad
from ...core.variable import Variable, as_data, make
from ...ops.declare import misfit
from ...transforms.implicit import implicit_root
from ..beyond import bare, variables_in
from ..examples import for_each
from ..outer import holds_variable_now, stacked
from .plan import record
from .steps import Path, flow

_ODEINT_TOLERANCE = 1.49012e-8  # LSODA's, where odeint is given none


class _Watched:
    """The user's function on plain numbers; has it returned a Variable, which it closes over?"""

    def __init__(self, fun: Callable[..., Any]) -> None:
        self.fun, self.closes_over, self.calls = fun, False, 0

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        with no_grad():
            y = self.fun(*args)
            if not isinstance(y, np.ndarray) and holds_variable_now(y):
                self.closes_over = True
                y = bare(stacked(y))
        return y


@for_each
def odeint(
    func: Callable[..., Any],
    y0: Any,
    t: Any,
    args: tuple[Any, ...] = (),
    Dfun: Any = None,
    col_deriv: Any = 0,
    full_output: Any = 0,
    ml: Any = None,
    mu: Any = None,
    rtol: Any = None,
    atol: Any = None,
    tcrit: Any = None,
    h0: float = 0.0,
    hmax: float = 0.0,
    hmin: float = 0.0,
    ixpr: Any = 0,
    mxstep: int = 0,
    mxhnil: int = 0,
    mxordn: int = 12,
    mxords: int = 5,
    printmessg: Any = 0,
    tfirst: bool = False,
) -> Any:
    """``scipy.integrate.odeint``: the states of ``dy/dt = func(y, t, *args)`` at the times ``t``.

    Differentiable with respect to ``y0``, ``t``, everything in ``args`` (Variables, or containers of
    them) and Variables that ``func`` closes over. Stiff systems are differentiated by implicit steps.

    Args:
        y0: ``(n,)``. t: ``(T,)``. The others: SciPy's.

    Returns:
        ``(T, n)``; with ``full_output`` also SciPy's dict.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.integrate import odeint
        >>> f = lambda k: odeint(lambda y, t, k: -k * y, 1.0, np.array([0.0, 2.0]), (k,))[-1, 0]
        >>> print(round(whence.grad(f)(0.5) + 2 * np.exp(-1), 6))  # of exp(-2 k)
        0.0
    """
    args = args if isinstance(args, tuple) else (args,)
    watched = _Watched(func)
    y, info = integrate.odeint(
        watched, bare(stacked(y0)), bare(stacked(t)), bare(args), Dfun, col_deriv, True, ml, mu,
        bare(rtol), bare(atol), tcrit, h0, hmax, hmin, ixpr, mxstep, mxhnil, mxordn, mxords,
        printmessg, tfirst,
    )  # fmt: skip
    if watched.closes_over or _any_variable(y0, t, args):
        y0, t = np.ravel(_floats(stacked(y0))), _floats(stacked(t))
        tolerance = [_ODEINT_TOLERANCE if x is None else x for x in (rtol, atol)]
        stiff = bool(np.any(np.asarray(info["mused"]) == 2))

        def rate(t: Any, y: Any, *args: Any) -> Any:
            return func(t, y, *args) if tfirst else func(y, t, *args)

        span = (float(bare(t)[0]), float(bare(t)[-1]))
        y0 = _from_start(rate, args, t[0], y0)
        longest = hmax if hmax > 0 else np.inf
        budget = 8.0 * watched.calls + 2000
        path = record(rate, span, y0, args, stiff, budget, tolerance[0], tolerance[1], longest)
        y = _like_scipys(np.stack([path(part) for part in t]), y)
    return (y, info) if full_output else y


def _any_variable(*trees: Any) -> bool:
    """Is there a Variable, recorded or not?"""
    return any(True for _ in variables_in(trees))


def _floats(x: Any) -> Any:
    """As an array of floats (or complex numbers)."""
    x = x if isinstance(x, Variable) else np.asarray(bare(x))
    return x.astype(np.result_type(x.dtype, np.float64))


def _from_start(fun: Callable[..., Any], args: tuple[Any, ...], t: Any, y0: Any) -> Any:
    """The state at the value of the start, given that at the start, which may be a Variable."""
    if not isinstance(t, Variable):
        return y0
    return flow(lambda t, y: stacked(fun(t, y, *args)), t, y0, t._data - t)


def _like_scipys(ours: Any, value: np.ndarray) -> Any:
    """Our states moved (by less than the tolerance) to SciPy's values, which are a constant."""
    if not isinstance(ours, Variable):
        ours = make(as_data(ours)) if mode().recording else ours
    return ours + (value - bare(ours))


@for_each
def solve_ivp(
    fun: Callable[..., Any],
    t_span: Any,
    y0: Any,
    method: Any = "RK45",
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    vectorized: bool = False,
    args: Any = None,
    **options: Any,
) -> Any:
    """``scipy.integrate.solve_ivp``: the solution of ``dy/dt = fun(t, y, *args)``, with derivatives.

    With respect to ``y0``, ``args``, ``t_span``, ``t_eval`` and Variables that ``fun`` closes over,
    for every method. Times of events are differentiated by the implicit function theorem, and with
    them the states there. ``sol.sol(t)`` (with ``dense_output``) differentiates in ``t`` too.

    Returns:
        SciPy's result, with Variables for ``y``, ``t_events``, ``y_events`` and, where they depend on
        any, ``t``.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.integrate import solve_ivp
        >>> def fall(height):
        ...     landing = lambda t, y: y[0]
        ...     landing.terminal, landing.direction = True, -1
        ...     return solve_ivp(lambda t, y: [y[1], -9.81], (0, 9), [height, 0.0], events=landing).t[-1]
        >>> print(round(whence.grad(fall)(20.0) * np.sqrt(2 * 9.81 * 20), 6))  # t = √(2 h / g)
        1.0
    """
    args_ = () if args is None else tuple(args)
    listed = [] if events is None else list(events) if isinstance(events, (list, tuple)) else [events]
    watched = _Watched(fun)
    hooks = [_plain_event(event) for event in listed]
    given = options.pop("jac", None)
    if given is not None:
        options["jac"] = _Watched(given) if callable(given) else given
    solution = integrate.solve_ivp(
        watched, tuple(bare(t) for t in t_span), bare(stacked(y0)), method, bare(stacked(t_eval)),
        dense_output, hooks or None, vectorized, None if args is None else bare(args_), **bare(options),
    )  # fmt: skip
    moving = watched.closes_over or _any_variable(y0, t_span, t_eval, args_)
    if not moving or solution.status < 0:
        return solution
    start, end = t_span
    y0 = _from_start(fun, args_, start, _floats(stacked(y0)))
    stiff = _name(method) in ("Radau", "BDF")
    budget = 8.0 * watched.calls + 2000 if _name(method) == "LSODA" else 2e5
    rtol, atol = options.get("rtol", 1e-3), options.get("atol", 1e-6)
    span = (float(bare(start)), float(bare(end)) if solution.status == 0 else float(solution.t[-1]))
    if span[0] != span[1] and len(listed):
        span = (span[0], float(max([*solution.t, span[1]], key=lambda t: abs(t - span[0]))))
    longest = options.get("max_step", np.inf)
    path = record(fun, span, y0, args_, stiff, budget, rtol, atol, longest)
    _differentiated(solution, path, t_span, t_eval, listed, args_)
    if dense_output:
        solution.sol = path
    return solution


def _name(method: Any) -> str:
    return method if isinstance(method, str) else getattr(method, "__name__", "")


def _plain_event(event: Callable[..., Any]) -> Callable[..., Any]:
    """An event on plain numbers, with its settings."""

    def plain(*args: Any) -> Any:
        with no_grad():
            return bare(event(*args))

    for setting in ("terminal", "direction"):
        if hasattr(event, setting):
            setattr(plain, setting, getattr(event, setting))
    return plain


def _differentiated(
    solution: Any, path: Path, t_span: Any, t_eval: Any, events: list[Any], args: tuple[Any, ...]
) -> None:
    """Put Variables into SciPy's result."""
    last = None
    if events:
        found = [_at_events(path, e, ts, args) for e, ts in zip(events, solution.t_events, strict=True)]
        values = solution.y_events
        solution.t_events = [ts for ts, _ in found]
        solution.y_events = [
            _like_scipys(ys, value) if len(value) else value
            for (_, ys), value in zip(found, values, strict=True)
        ]
        if solution.status == 1:
            last = _ending(solution, found, float(solution.t[-1]))
    plain = solution.t
    if t_eval is not None:
        count = len(plain)
        times = [t_eval[i] for i in range(count)] if isinstance(t_eval, Variable) else list(stacked(t_eval))
        times = times[:count]
    else:
        times = list(plain)
        times[0] = t_span[0]
        times[-1] = t_span[1] if solution.status == 0 else times[-1]
    states = []
    for i, (t, value) in enumerate(zip(times, plain, strict=True)):
        if last is not None and i == len(plain) - 1 and t_eval is None:
            times[i] = last[0]
            states.append(last[1])
        elif i == 0 and t_eval is None and isinstance(t, Variable):
            states.append(path.moved(path.states[0], t))
        else:
            states.append(path(t) if isinstance(t, Variable) else path.at(float(value)))
    if states:
        solution.y = _like_scipys(np.stack(states, axis=-1), solution.y)
    if any(isinstance(t, Variable) for t in times):
        solution.t = np.stack(times)


def _at_events(path: Path, event: Any, times: np.ndarray, args: tuple[Any, ...]) -> tuple[Any, Any]:
    """The times of an event and the states there, as functions of what the path depends on."""
    moments, states = [], []
    for value in times:
        t = float(value)
        y = path.at(t)
        miss = _value_at(event, t, bare(y), args)

        def crossing(delay: Any, t: float = t, y: Any = y, miss: Any = miss) -> Any:
            gap = event(t + delay, flow(path.f, t, y, delay), *args) - miss
            return np.reshape(gap, np.shape(delay))

        delay = implicit_root(crossing, np.float64(0.0))
        moments.append(t + delay)
        states.append(flow(path.f, t, y, delay))
    if not moments:
        return times, np.empty((0,))
    return stacked(moments), stacked(states)


def _value_at(event: Any, t: float, y: Any, args: tuple[Any, ...]) -> Any:
    """What is left of the event function at the time that SciPy found."""
    with no_grad():
        return np.squeeze(bare(event(t, y, *bare(args))))[()]


def _ending(solution: Any, found: list[tuple[Any, Any]], end: float) -> tuple[Any, Any] | None:
    """Time and state of the event that ended the run."""
    for times, states in found:
        if len(times) and float(bare(times)[-1]) == end:
            return times[-1], states[-1]
    raise misfit("no event at the end of the run")
