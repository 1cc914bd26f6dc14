"""The mirror of ``scipy.sparse.linalg``: solutions of sparse systems, in entries and right-hand sides.

``A x = b``: a cotangent ``g`` of ``x`` gives ``w = A⁻ᵀ g`` for ``b`` and ``-w_i x_j`` for each stored entry.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import SparseEfficiencyWarning
from scipy.sparse import linalg as plain_linalg

from ...core.origin import called_at
from ...core.primitive import Primitive
from ...core.variable import Variable
from ...errors import NonFiniteError, SingularError
from ...ops.sparse import is_sparse
from ..beyond import bare, no_gradient, passed_on
from ..outer import stacked
from .arrays import Pattern, SparseArray, sampled, sparse_like

Solver = Callable[[Any, Any, bool], Any]  # (matrix, right-hand side, transposed) -> solution


def _solved(data: Any, b: Any, pattern: Pattern, solver: Solver, turned: bool) -> Any:
    return np.asarray(solver(pattern.matrix(data), b, turned))


def _matrix_rule(g: Any, y: Any, data: Any, b: Any, pattern: Pattern, solver: Solver, turned: bool) -> Any:
    w = _solve(data, g, pattern=pattern, solver=solver, turned=not turned)
    return -sampled(y, w, pattern=pattern) if turned else -sampled(w, y, pattern=pattern)


def _right_rule(g: Any, y: Any, data: Any, b: Any, pattern: Pattern, solver: Solver, turned: bool) -> Any:
    return _solve(data, g, pattern=pattern, solver=solver, turned=not turned)


_solve = Primitive(
    "scipy.sparse.linalg.spsolve", _solved, vjp=[_matrix_rule, _right_rule], reads=["0y", "0"], listed=False
)


class _Factors:
    """The factors of a matrix, worked out once and used for its transpose too."""

    def __init__(self, **options: Any) -> None:
        self.options, self.lu, self.key = options, None, None

    def __call__(self, matrix: Any, b: Any, turned: bool) -> Any:
        key = matrix.data.tobytes()
        if self.lu is None or key != self.key:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", SparseEfficiencyWarning)
                    self.lu = plain_linalg.splu(matrix.tocsc(), **self.options)
            except RuntimeError as error:
                raise SingularError(f"scipy.sparse.linalg.spsolve: {error}{called_at()}") from None
            self.key = key
        if b.dtype.kind == "c" and matrix.dtype.kind != "c":
            return self.lu.solve(b.real, "T" if turned else "N") + 1j * self.lu.solve(
                b.imag, "T" if turned else "N"
            )
        return self.lu.solve(b.astype(matrix.dtype), "T" if turned else "N")


def spsolve(A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Any:
    """``scipy.sparse.linalg.spsolve``: ``A x = b``, with derivatives in the entries of ``A`` and in ``b``.

    The matrix is factored once, for the solution and for its gradients.

    Raises:
        SingularError: ``A`` is singular.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy import sparse
        >>> def f(d):
        ...     A = sparse.diags_array([d, d[1:]], offsets=[0, 1])
        ...     return sparse.linalg.spsolve(A, np.array([1.0, 4.0]))[1]
        >>> print(whence.grad(f)(np.array([1.0, 2.0])))
        [ 0. -1.]
    """
    if not isinstance(A, SparseArray) and not isinstance(stacked(b), Variable):
        return plain_linalg.spsolve(A, b, permc_spec, use_umfpack)
    if is_sparse(b):
        raise no_gradient("scipy.sparse.linalg.spsolve with a sparse right-hand side", "b.toarray()")
    return splu(A, permc_spec).solve(b)


class SuperLU:
    """``A``, factored: ``.solve(b)`` as often as needed, with derivatives in ``A`` and ``b``."""

    def __init__(self, A: Any, factors: _Factors) -> None:
        self.A, self.factors, self.shape = sparse_like(A), factors, A.shape

    def solve(self, b: Any, trans: str = "N") -> Any:
        """The solution of ``A x = b``; of ``Aᵀ x = b`` with ``trans="T"``."""
        b = stacked(b)
        b = b if isinstance(b, Variable) else np.asarray(b)
        wide = np.result_type(b.dtype, self.A.dtype, np.float32)
        b = b if b.dtype == wide else b.astype(wide)
        if trans not in ("N", "T"):
            raise no_gradient('splu(A).solve(b, trans="H")', "splu(A).solve(np.conj(b), 'T') and its conj")
        column = b.ndim == 2 and b.shape[1] == 1
        flat = np.reshape(b, (-1,)) if column else b
        return _reshaped(
            _solve(self.A.data, flat, pattern=self.A.pattern, solver=self.factors, turned=trans == "T"),
            b.shape,
        )


def _reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    return x if x.shape == shape else np.reshape(x, shape)


def splu(A: Any, permc_spec: Any = None, *options: Any, **keywords: Any) -> Any:
    """``scipy.sparse.linalg.splu``: the factors of ``A``, to solve with for many right-hand sides.

    Of SciPy's own matrices too: the result's ``.solve`` takes Variables.
    """
    if options:
        raise no_gradient("scipy.sparse.linalg.splu with positional options", "name them")
    keywords |= {} if permc_spec is None else {"permc_spec": permc_spec}
    return SuperLU(A, _Factors(**keywords))


def factorized(A: Any) -> Callable[[Any], Any]:
    """``scipy.sparse.linalg.factorized``: a function that solves ``A x = b``."""
    return splu(A).solve


def _iterative(name: str) -> Callable[..., Any]:
    """The mirror of an iterative solver ``(A, b, x0, *, rtol, atol, ..., M, callback)``."""
    solve = getattr(plain_linalg, name)

    def solver(A: Any, b: Any, x0: Any = None, **options: Any) -> Any:
        b = stacked(b)
        if not isinstance(A, SparseArray) and not isinstance(b, Variable):
            return solve(A, bare(b), bare(x0), **options)
        if not isinstance(A, SparseArray) and not is_sparse(A):
            raise no_gradient(
                f"scipy.sparse.linalg.{name} of a LinearOperator or a dense matrix",
                "whence.implicit_root(lambda x: A @ x - b, x, linear_solver='gmres')",
            )
        ours, info = sparse_like(A), [0]

        def solution(matrix: Any, right: Any, turned: bool) -> Any:
            m = matrix.T.tocsr() if turned else matrix
            pre = options.get("M")
            more = {**options, "M": None if pre is None else (pre.T if turned else pre)}
            x, flag = solve(m, right, None if turned else bare(x0), **more)
            info[0] = flag
            if flag and turned:
                raise NonFiniteError(
                    f"scipy.sparse.linalg.{name} did not converge for the gradient ({flag}){called_at()}\n"
                    "  → more iterations, a preconditioner M, or spsolve"
                )
            return x

        flat = np.reshape(b, (-1,))
        x = _solve(ours.data, flat, pattern=ours.pattern, solver=solution, turned=False)
        return x, info[0]

    solver.__name__ = solver.__qualname__ = name
    solver.__doc__ = (
        f"``scipy.sparse.linalg.{name}``: ``(x, info)`` with ``A x = b``, with derivatives.\n\n"
        "In the entries of ``A`` and in ``b``, by solving with the transpose to the same tolerance."
    )
    return solver


cg = _iterative("cg")
bicg = _iterative("bicg")
bicgstab = _iterative("bicgstab")
gmres = _iterative("gmres")
minres = _iterative("minres")


def norm(x: Any, ord: Any = None, axis: Any = None) -> Any:
    """``scipy.sparse.linalg.norm``: the Frobenius norm of a sparse array with differentiable entries."""
    if not isinstance(x, SparseArray):
        return plain_linalg.norm(x, ord, axis)
    if axis is not None or ord not in (None, "fro"):
        raise no_gradient(f"scipy.sparse.linalg.norm(ord={ord!r})", "np.linalg.norm(A.toarray(), ord)")
    return np.linalg.norm(x.data)


def __getattr__(name: str) -> Any:
    return passed_on(plain_linalg, name)
