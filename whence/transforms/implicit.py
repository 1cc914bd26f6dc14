"""Solutions of equations, differentiated by the implicit function theorem.

Where ``F(x, a) = 0`` and ``dF/dx`` is regular, ``dx = -(dF/dx)⁻¹ (dF/da) da``, whatever solver
found ``x`` (Griewank and Walther, *Evaluating Derivatives*, 2008, section 15.3). A cotangent ``g`` of
``x`` therefore pulls back to ``-w dF/da`` where ``w dF/dx = g``. That is again an equation, for ``w``:
when gradients are recorded it is differentiated in the same way, so every order comes from one rule.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres

from ..config import at_levels, mode, no_grad
from ..core.batched import holds_batched, looped, new_level
from ..core.function import Function, filled
from ..core.origin import called_at, made_at
from ..core.sweep import sweep
from ..core.variable import Variable, constant, make
from ..errors import BatchingError, GraphError, NonFiniteError, ShapeError, SingularError, WhenceError
from ..tree import flatten, map_tree
from .lift import lift, recording, result_of
from .outer import attach, full, outer_edges, pull_outward
from .packing import packed, reals, unpacked
from .seeds import apart, most_at_once, stretches, together

DENSE = 1000  # unknowns up to which the Jacobian is formed; GMRES above
_METHODS = ("auto", "dense", "gmres")


def implicit_root(residual: Callable[[Any], Any], x: Any, linear_solver: str = "auto") -> Any:
    """``x``, known to solve ``residual(x) = 0``, as a function of all that ``residual`` depends on.

    The value is ``x`` as it was given; its derivative with respect to every Variable ``a`` that
    ``residual`` closes over is ``-(dF/dx)⁻¹ dF/da``, in reverse and forward mode, to any order.

    Args:
        residual: a function of ``x`` alone, plain NumPy, with as many results as ``x`` has elements.
        x: the solution, found by any means: an array or a container of arrays.
        linear_solver: ``"dense"`` forms ``dF/dx`` (n sweeps, once) and solves with it;
            ``"gmres"`` only multiplies with it; ``"auto"`` forms it up to 1,000 unknowns.

    Returns:
        ``x``: Variables where ``residual`` depends on one, else as it was given.

    Raises:
        ShapeError: another number of results than unknowns. SingularError, when a gradient is asked
            for: ``dF/dx`` is singular, the solution is not a differentiable function there.

    Example:
        >>> import whence
        >>> def cube_root(a):
        ...     return whence.implicit_root(lambda x: x**3 - a, 2.0)     # found by whatever means
        >>> print(whence.grad(cube_root)(8.0))                          # 1 / (3 x²)
        0.08333333333333333
    """
    if linear_solver not in _METHODS:
        raise WhenceError(f"linear_solver is one of {_METHODS}, not {linear_solver!r}{called_at()}")
    leaves, structure = flatten(map_tree(_bare, x))

    def equations(xs: list[Any]) -> list[Any]:
        return flatten(residual(structure.unflatten(xs)))[0]

    solved = _solution(equations, leaves, linear_solver)
    return x if solved is None else structure.unflatten(solved)


def root_of(equations: Callable[..., Any], linear_solver: str = "auto") -> Callable[..., Any]:
    """Decorate a solver so that its result differentiates: ``equations(x, *args) = 0``.

    Args:
        equations: ``F(x, *args)``, plain NumPy; as many results as ``x`` has elements.
        linear_solver: see :func:`implicit_root`.

    Returns:
        A decorator for ``solver(*args, **options) -> x``. The solver may do what it likes (loop,
        call SciPy or Fortran): it gets plain arrays and is not looked into. Positional arguments are
        those of the equations; keywords (a start, a tolerance) are the solver's alone.

    Example:
        >>> import numpy as np, scipy.optimize, whence
        >>> def kepler(E, M, e):
        ...     return E - e * np.sin(E) - M
        >>> @whence.root_of(kepler)
        ... def anomaly(M, e):
        ...     return scipy.optimize.brentq(kepler, 0.0, 4.0, args=(M, e), xtol=1e-14)
        >>> M, e = 1.0, 0.3
        >>> E = anomaly(M, e)
        >>> print(round(whence.grad(anomaly)(M, e) * (1 - e * np.cos(E)), 12))
        1.0
    """
    return functools.partial(_decorated, equations, linear_solver)


def fixed_point_of(step: Callable[..., Any], linear_solver: str = "auto") -> Callable[..., Any]:
    """Decorate a solver so that its result differentiates: ``x = step(x, *args)``.

    As :func:`root_of` with the equations ``x - step(x, *args) = 0``.

    Example:
        >>> import numpy as np, whence
        >>> @whence.fixed_point_of(lambda x, a: (x + a / x) / 2)
        ... def square_root(a):
        ...     x = a
        ...     for _ in range(60):
        ...         x = (x + a / x) / 2
        ...     return x
        >>> print(whence.grad(square_root)(4.0), whence.hessian(square_root)(4.0))
        0.25 -0.03125
    """

    def equations(x: Any, *args: Any) -> Any:
        return map_tree(lambda old, new: old - new, x, step(x, *args))

    return functools.partial(_decorated, equations, linear_solver)


def _decorated(
    equations: Callable[..., Any], linear_solver: str, solver: Callable[..., Any]
) -> Callable[..., Any]:
    @functools.wraps(solver)
    def solve(*args: Any, **options: Any) -> Any:
        if holds_batched(flatten(args)[0]):  # a solver of one problem: one example at a time
            one = functools.partial(solve, **options)
            return looped(one, getattr(solver, "__name__", "the solver"), args)
        with no_grad():
            x = solver(*map_tree(_bare, args), **map_tree(_bare, options))
        return implicit_root(lambda x: equations(x, *args), x, linear_solver)

    return solve


def _bare(x: Any) -> Any:
    return x._data if isinstance(x, Variable) else x


def _solution(
    equations: Callable[[list[Any]], list[Any]], x: list[Any], method: str, matrix: Any = None
) -> list[Any] | None:
    """Variables for ``x``; None where the equations depend on no Variable from outside."""
    residuals = equations(x)
    if holds_batched([*residuals, *x]):
        raise BatchingError(
            f"implicit_root inside vmap has no rule for whole batches{called_at()}\n"
            "  → whence.root_of or whence.fixed_point_of, whose solver is called for each example"
        )
    if not any(isinstance(r, Variable) for r in residuals):
        return None
    with at_levels(()):
        return _recorded_solution(equations, x, method, matrix)


def _recorded_solution(
    equations: Callable[[list[Any]], list[Any]], x: list[Any], method: str, matrix: Any
) -> list[Any]:
    equation = _Equation(equations, x, method, matrix)
    outer = equation.outer()
    outputs = [make(v._data) for v in equation.lifted.variables]
    if outer and mode().recording:
        node = Solved()
        node.equation = equation
        attach(node, outer, outputs)
    return outputs


class _Equation:
    """``F(x) = 0`` at its solution: the graph of F there, and its Jacobian once it is needed."""

    def __init__(self, function: Callable[[list[Any]], list[Any]], x: list[Any], method: str, matrix: Any):
        self.function, self.method, self.matrix = function, method, matrix
        self.lifted = lift(x, copy=True)
        self.ys = self.at(self.lifted.tree)
        unknowns, equations = reals(self.lifted.variables), reals(self.ys)
        if unknowns != equations:
            raise ShapeError(
                f"{equations} equations for {unknowns} unknowns{called_at()}\n"
                "  → the residual has as many elements as the solution"
            )
        self.size = unknowns
        self.complex = any(v.dtype.kind == "c" for v in (*self.lifted.variables, *self.ys))

    def at(self, xs: list[Any]) -> list[Variable]:
        """The residuals at ``xs``, recorded."""
        with recording():
            out = self.function(xs)
        return [r if isinstance(r, Variable) else result_of(self.function, r, "implicit") for r in out]

    def outer(self) -> dict[Any, Any]:
        """The edges from outside that the residuals depend on, each with its value."""
        return outer_edges(self.ys, set(self.lifted.edges), self.lifted.floor)

    def transposed(self, v: np.ndarray) -> np.ndarray:
        """``v dF/dx``, all as one vector of real numbers."""
        seeds = [(y.edge, g) for y, g in zip(self.ys, unpacked(v, self.ys), strict=True)]
        found, _ = sweep(seeds, targets=set(self.lifted.edges), floor=self.lifted.floor)
        pairs = zip(self.lifted.edges, self.lifted.variables, strict=True)
        return packed([full(found.get(edge), x) for edge, x in pairs])

    def solve_transposed(self, gs: list[Any]) -> list[Any]:
        """``w`` with ``w dF/dx = g``."""
        g = packed(gs)
        if not g.any():
            return unpacked(g, self.ys)
        dense = self.method == "dense" or (self.method == "auto" and self.size <= DENSE)
        w = self._dense(g) if dense else self._matrix_free(g)
        return unpacked(w, self.ys)

    def _dense(self, g: np.ndarray) -> np.ndarray:
        if self.matrix is None:
            self.matrix = self._jacobian()
        if not np.all(np.isfinite(self.matrix)):
            raise NonFiniteError(f"the Jacobian of the equations at the solution is not finite{called_at()}")
        try:
            w = np.linalg.solve(self.matrix.T, g)
        except np.linalg.LinAlgError:
            raise _singular() from None
        # a singular matrix of rounded numbers is seen by what it makes of the right-hand side
        if not np.abs(w).max() * np.finfo(float).eps * np.abs(self.matrix).max() < np.abs(g).max():
            raise _singular()
        return w

    def _jacobian(self) -> np.ndarray:
        """``dF/dx``: real unit vectors pulled back, many at a time."""
        rows: list[np.ndarray] = []
        units, edges = np.eye(self.size), set(self.lifted.edges)
        for start, stop in stretches(self.size, 1 if self.complex else most_at_once(self.lifted, self.ys)):
            if stop - start == 1:
                rows.append(self.transposed(units[start])[None])
                continue
            level, ends = new_level(), np.cumsum([y.size for y in self.ys])[:-1]
            parts = zip(self.ys, np.split(units[start:stop], ends, axis=1), strict=True)
            seeds = [
                (y.edge, together(part.reshape(-1, *y.shape).astype(y.dtype), level)) for y, part in parts
            ]
            found, _ = sweep(seeds, targets=edges, floor=self.lifted.floor, batched=True)
            pulled = [
                apart(full(found.get(edge), x), seeds[0][1]).reshape(stop - start, -1)
                for edge, x in zip(self.lifted.edges, self.lifted.variables, strict=True)
            ]
            rows.append(np.concatenate(pulled, axis=1).astype(np.float64))
        return np.concatenate(rows)

    def _matrix_free(self, g: np.ndarray) -> np.ndarray:
        shape = (self.size, self.size)
        operator = LinearOperator(shape, matvec=lambda v: self.transposed(np.ravel(v)), dtype=np.float64)  # type: ignore[call-arg]
        w, left = gmres(operator, g, rtol=1e-11, atol=0.0, restart=min(self.size, 100), maxiter=20)
        if left:
            gap = np.linalg.norm(operator.matvec(w) - g) / np.linalg.norm(g)
            raise SingularError(
                f"GMRES did not solve with the Jacobian of the equations: relative residual {gap:.1e}"
                f"{called_at()}\n  → linear_solver='dense', or equations that are better scaled"
            )
        return w


def _singular() -> SingularError:
    return SingularError(
        f"the Jacobian of the equations is singular at the solution{called_at()}\n"
        "  there the solution is not a differentiable function of the parameters (a double root, a "
        "flat minimum, a redundant equation)\n"
        "  → add the equation that fixes the solution, or move the parameters off this point"
    )


class Solved(Function):
    """The node of a solution: its inputs are what the equations depend on."""

    __slots__ = ("equation",)
    equation: _Equation

    @property
    def label(self) -> str:
        """What to call this node in texts."""
        return "implicit_root"

    def pull(self, g: Any, record: bool, wanted: Any = None) -> list[Any]:
        """``-w dF/da`` where ``w dF/dx = g``."""
        gs = [g] if self._ports is None else filled(self._ports, g, record)
        equation = self.equation
        if record:
            ys, floor, w = self._recorded_again(gs)
        else:
            ys, floor, w = equation.ys, equation.lifted.floor, equation.solve_transposed(gs)
        seeds = [(y.edge, v) for y, v in zip(ys, w, strict=True)]
        parts = pull_outward(self, seeds, record, floor)
        return [part if part is None else -part for part in parts]

    def _recorded_again(self, gs: list[Any]) -> tuple[list[Variable], int, list[Any]]:
        """The equations at the recorded solution, and ``w`` as the solution of equations of its own."""
        equation = self.equation
        ports = self._ports or (self,)
        xs = [make(x, port) for x, port in zip(self._kept, ports, strict=True)]

        def adjoint(w: list[Any]) -> list[Any]:
            inner = lift(xs)
            ys = equation.at(inner.tree)
            seeds = [
                (y.edge, v if isinstance(v, Variable) else constant(v)) for y, v in zip(ys, w, strict=True)
            ]
            with recording():
                found, _ = sweep(seeds, record=True, targets=set(inner.edges), floor=inner.floor)
                pairs = zip(inner.edges, xs, gs, strict=True)
                return [full(found.get(edge), x) - g for edge, x, g in pairs]

        w = equation.solve_transposed([g._data for g in gs])
        transposed = None if equation.matrix is None or equation.complex else equation.matrix.T
        solved = _solution(adjoint, w, equation.method, transposed) or [constant(part) for part in w]
        outer = lift(xs)
        ys = equation.at(outer.tree)
        if not outer_edges(ys, set(outer.edges), outer.floor).keys() <= set(self.edges):
            raise GraphError(
                f"the equations of {self.label} depend on other Variables now than when they were "
                f"solved; {self.label} was {made_at(self)}\n  → pass what changes as an argument"
            )
        return ys, outer.floor, solved
