"""curve_fit: a model and data, with error bars on parameters and predictions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..errors import NonFiniteError, ShapeError, WhenceError
from .fit import Fit, Propagated, propagate
from .squares import least_squares


class CurveFit:
    """What :func:`curve_fit` gives; it unpacks to ``popt, pcov`` as SciPy's does.

    Attributes:
        x: the parameters, as ``p0`` was given.
        covariance: theirs, ``(n, n)``.
        fit: the :class:`Fit` of the residuals.
    """

    def __init__(self, model: Callable[..., Any], fit: Fit, spread: bool) -> None:
        self.fit, self.x = fit, fit.x
        self._model, self._spread = model, spread

    @property
    def covariance(self) -> np.ndarray:
        """The covariance of the parameters."""
        return self.fit.covariance

    @property
    def standard_errors(self) -> Any:
        """The square roots of the variances, in the structure of the parameters."""
        return self.fit.standard_errors

    def predict(self, xdata: Any) -> Propagated:
        """The model at ``xdata`` with its standard error: ``value, error = fit.predict(x)``.

        The error is that of the curve (delta method), not that of a new observation.
        """
        return propagate(lambda p: _called(self._model, xdata, p, self._spread), self.x, self.covariance)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.x, self.covariance))

    def __repr__(self) -> str:
        return f"CurveFit(x={self.x!r}, standard_errors={self.standard_errors!r})"


def curve_fit(
    model: Callable[..., Any],
    xdata: Any,
    ydata: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    bounds: Any = None,
    method: str | None = None,
    sparse: bool = False,
    **options: Any,
) -> CurveFit:
    """Fit ``model(xdata, *p)`` to ``ydata``: scipy.optimize.curve_fit with the exact Jacobian.

    Args:
        model: ``model(x, a, b, ...)``, or ``model(x, p)`` where ``p0`` is a dict or another container.
        xdata: whatever the model takes.
        ydata: the observations, any shape.
        p0: where to start; None: ones, as many as the model has parameters.
        sigma: standard deviations of ``ydata``, of its shape, or its covariance matrix.
        absolute_sigma: ``sigma`` (1 where none is given) is known, not only up to a factor.
        bounds: as in :func:`least_squares`.
        method, sparse, options: as in :func:`least_squares`.

    Returns:
        A :class:`CurveFit`: ``popt, pcov = curve_fit(...)``, or ``fit.x``, ``fit.covariance``,
        ``fit.standard_errors``, ``fit.predict(x)``.

    Raises:
        NonFiniteError: data or start are not finite. ShapeError: sizes that do not fit, fewer
            observations than parameters.

    Example:
        >>> import numpy as np, whence
        >>> t = np.linspace(0, 3, 7)
        >>> y = 2 * np.exp(-0.5 * t) + 0.01 * np.cos(9 * t)
        >>> fit = whence.optimize.curve_fit(lambda t, a, k: a * np.exp(-k * t), t, y)
        >>> popt, pcov = fit
        >>> print(np.round(popt, 2), np.round(fit.predict(1.0).value, 2))
        [2.01 0.5 ] 1.21
    """
    ydata = np.asarray(ydata, np.float64)
    if ydata.size == 0:
        raise ShapeError(f"curve_fit: ydata is empty{called_at()}")
    if not np.all(np.isfinite(ydata)):
        raise NonFiniteError(
            f"curve_fit: ydata has {np.sum(~np.isfinite(ydata))} elements that are not finite{called_at()}\n"
            "  → keep = np.isfinite(ydata); fit xdata[keep], ydata[keep]"
        )
    spread = not (isinstance(p0, dict) or hasattr(p0, "__dataclass_fields__"))
    start: Any = np.ones(_parameters(model)) if p0 is None else p0
    start = np.atleast_1d(start) if spread else start
    weigh = _weighing(sigma, ydata)

    def residuals(p: Any) -> Any:
        y = _called(model, xdata, p, spread)
        if np.shape(y) != ydata.shape:
            raise ShapeError(
                f"curve_fit: the model gives shape {np.shape(y)} for ydata of shape {ydata.shape}"
                f"{called_at()}"
            )
        return weigh(y - ydata)

    count = len(start) if spread else None
    if count is not None and ydata.size < count:
        raise ShapeError(
            f"curve_fit: {ydata.size} observations for {count} parameters{called_at()}\n"
            "  → more data, or fewer parameters"
        )
    fit = least_squares(
        residuals, start, (), bounds, method, sparse=sparse, absolute_sigma=absolute_sigma, **options
    )
    return CurveFit(model, fit, spread)


def _called(model: Callable[..., Any], xdata: Any, p: Any, spread: bool) -> Any:
    return model(xdata, *[p[i] for i in range(len(p))]) if spread else model(xdata, p)


def _parameters(model: Callable[..., Any]) -> int:
    """How many parameters the model has besides ``x``."""
    kinds = [parameter.kind for parameter in inspect.signature(model).parameters.values()]
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    count = sum(kind in positional for kind in kinds) - 1
    if count < 1 or inspect.Parameter.VAR_POSITIONAL in kinds:
        raise WhenceError(
            f"curve_fit cannot tell how many parameters the model has{called_at()}\n  → give p0"
        )
    return count


def _weighing(sigma: Any, ydata: np.ndarray) -> Callable[[Any], Any]:
    """Residuals in units of their standard deviations."""
    if sigma is None:
        return lambda r: r
    sigma = np.asarray(sigma, np.float64)
    if sigma.shape == (ydata.size, ydata.size) and ydata.ndim == 1 and ydata.size > 1:
        try:
            whiten = np.linalg.inv(np.linalg.cholesky(sigma))
        except np.linalg.LinAlgError:
            raise ShapeError(f"curve_fit: the matrix sigma is not positive definite{called_at()}") from None
        return lambda r: whiten @ r
    if sigma.shape not in (ydata.shape, ()):
        raise ShapeError(
            f"curve_fit: sigma of shape {sigma.shape} for ydata of shape {ydata.shape}{called_at()}\n"
            "  → the shape of ydata, or its covariance matrix"
        )
    if not np.all(sigma > 0):
        raise NonFiniteError(f"curve_fit: sigma must be positive{called_at()}")
    return lambda r: r / sigma
