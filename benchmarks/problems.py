"""Objectives from the literature, each one text for every array library.

``Space`` is what the libraries spell differently. The Gaussian mixture, the bundle adjustment and
the LSTM are the objectives of Šrajer, Kukelová, Fitzgibbon (2018), "A benchmark of selected
algorithmic differentiation tools", Optimization Methods and Software 33.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy


class Space(NamedTuple):
    """An array library: its namespace, and three functions that have a name of their own."""

    np: Any
    logsumexp: Callable[[Any, int], Any]
    smallest: Callable[[Any, int], Any]
    constant: Callable[[Any], Any]


def rosenbrock(x: Any) -> Any:
    """Rosenbrock's valley in any number of dimensions."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def logistic(space: Space, w: Any, features: Any, labels: Any) -> Any:
    """Negative log-likelihood of a logistic regression; labels are ±1."""
    np = space.np
    return np.log1p(np.exp(-labels * (features @ w))).sum()


class Mixture(NamedTuple):
    """Data of a Gaussian mixture: points, and the matrices that lower triangles are made of."""

    points: Any  # (n, d)
    lower: Any  # (d (d - 1) / 2, d, d)


def mixture(n: int = 1000, d: int = 10, k: int = 25) -> tuple[Mixture, tuple[Any, Any, Any]]:
    """A problem of that size, and parameters to start from."""
    rng = numpy.random.default_rng(0)
    rows, columns = numpy.tril_indices(d, -1)
    lower = numpy.zeros((len(rows), d, d))
    lower[numpy.arange(len(rows)), rows, columns] = 1
    start = (rng.normal(size=k), rng.normal(size=(k, d)), 0.1 * rng.normal(size=(k, d + len(rows))))
    return Mixture(rng.normal(size=(n, d)), lower), start


def gmm(space: Space, data: Mixture, weights: Any, means: Any, factors: Any) -> Any:
    """Log-posterior of a Gaussian mixture with a Wishart prior.

    weights (k,), means (k, d), factors (k, d + d (d - 1) / 2): logarithms of the diagonals, then
    the lower triangles, of the square roots of the inverse covariances.
    """
    np = space.np
    n, d = data.points.shape
    diagonals = np.exp(factors[:, :d])
    triangles = np.einsum("kl,lij->kij", factors[:, d:], data.lower)
    centred = data.points[:, None, :] - means  # (n, k, d)
    scaled = diagonals * centred + np.einsum("kij,nkj->nki", triangles, centred)
    inner = weights + factors[:, :d].sum(1) - 0.5 * (scaled**2).sum(2)
    likelihood = space.logsumexp(inner, 1).sum() - n * space.logsumexp(weights, 0)
    prior = 0.5 * ((diagonals**2).sum() + (factors[:, d:] ** 2).sum()) - factors[:, :d].sum()
    return likelihood - prior


def kmeans(space: Space, centres: Any, points: Any) -> Any:
    """Sum of squared distances to the nearest centre: points (n, d), centres (k, d)."""
    squares = (points**2).sum(1)[:, None] + (centres**2).sum(1) - 2 * points @ centres.T
    return space.smallest(squares, 1).sum()


def lorenz(y: Any, p: Any) -> tuple[Any, Any, Any]:
    """Lorenz' equations: y three numbers, p = (σ, ρ, β)."""
    a, b, c = y
    return p[0] * (b - a), a * (p[1] - c) - b, a * b - p[2] * c


def runge_kutta_step(y: Any, p: Any, h: float = 0.01) -> Any:
    """One classical step, as a scientist writes it."""

    def moved(step: float, slope: Any) -> Any:
        return tuple([a + step * b for a, b in zip(y, slope, strict=True)])

    k1 = lorenz(y, p)
    k2 = lorenz(moved(h / 2, k1), p)
    k3 = lorenz(moved(h / 2, k2), p)
    k4 = lorenz(moved(h, k3), p)
    slopes = zip(y, k1, k2, k3, k4, strict=True)
    return tuple([a + h / 6 * (b + 2 * c + 2 * d + e) for a, b, c, d, e in slopes])


def runge_kutta(y: Any, p: Any, steps: int = 100) -> Any:
    """The first coordinate after ``steps`` steps."""
    y = (y[0], y[1], y[2])
    for _ in range(steps):
        y = runge_kutta_step(y, p)
    return y[0]


def lstm_cell(np: Any, weight: Any, bias: Any, hidden: Any, cell: Any, x: Any) -> tuple[Any, Any]:
    """One layer for one step; weight and bias (4, b), the rest (b,)."""
    forget = 1 / (1 + np.exp(-(x * weight[0] + bias[0])))
    ingate = 1 / (1 + np.exp(-(hidden * weight[1] + bias[1])))
    outgate = 1 / (1 + np.exp(-(x * weight[2] + bias[2])))
    change = np.tanh(hidden * weight[3] + bias[3])
    cell = cell * forget + ingate * change
    return outgate * np.tanh(cell), cell


def lstm_step(space: Space, main: Any, extra: Any, state: Any, x: Any, target: Any) -> tuple[Any, Any]:
    """Two layers and the log-likelihood of the next symbol; main (2, 2, 4, b), extra (3, b)."""
    np = space.np
    x = x * extra[0]
    new = []
    for layer in range(2):
        hidden, cell = lstm_cell(np, main[layer, 0], main[layer, 1], *state[layer], x)
        new.append((hidden, cell))
        x = hidden
    scores = x * extra[1] + extra[2]
    return tuple(new), (target * (scores - np.log(np.exp(scores).sum() + 2))).sum()


def lstm(space: Space, main: Any, extra: Any, start: Any, sequence: Any) -> Any:
    """Mean negative log-likelihood of a sequence (steps + 1, b)."""
    state = tuple([(start[layer, 0], start[layer, 1]) for layer in range(2)])
    total = 0.0
    for t in range(len(sequence) - 1):
        state, gain = lstm_step(space, main, extra, state, sequence[t], sequence[t + 1])
        total = total + gain
    return -total / (len(sequence) - 1)


class Scene(NamedTuple):
    """Observations of a bundle adjustment: which camera saw which point where."""

    camera: Any  # (p,)
    point: Any  # (p,)
    seen: Any  # (p, 2)


def scene(
    cameras: int = 40, points: int = 400, observations: int = 2000
) -> tuple[Scene, tuple[Any, Any, Any]]:
    """A problem of that size and its parameters: cameras (n, 11), points (m, 3), weights (p,)."""
    rng = numpy.random.default_rng(0)
    data = Scene(
        numpy.arange(observations) % cameras,
        rng.integers(0, points, observations),
        rng.normal(size=(observations, 2)),
    )
    return data, (
        rng.normal(size=(cameras, 11)) * 0.1 + numpy.array([0.0] * 6 + [1.0] + [0.0] * 4),
        rng.normal(size=(points, 3)) + numpy.array([0.0, 0.0, 5.0]),
        rng.uniform(0.5, 1.5, observations),
    )


def reprojection(np: Any, camera: Any, point: Any, weight: Any, seen: Any) -> Any:
    """Residuals of observations, (..., 2): camera (..., 11), point (..., 3), weight (...).

    A camera is a rotation vector, a centre, a focal length, a principal point and two coefficients
    of radial distortion.
    """
    turn, centre = camera[..., 0:3], camera[..., 3:6]
    moved = point - centre
    angle = np.sqrt((turn * turn).sum(-1)[..., None])
    axis = turn / angle
    cross = np.stack(
        [
            axis[..., 1] * moved[..., 2] - axis[..., 2] * moved[..., 1],
            axis[..., 2] * moved[..., 0] - axis[..., 0] * moved[..., 2],
            axis[..., 0] * moved[..., 1] - axis[..., 1] * moved[..., 0],
        ],
        -1,
    )
    along = (axis * moved).sum(-1)[..., None] * axis
    turned = moved * np.cos(angle) + cross * np.sin(angle) + along * (1 - np.cos(angle))
    flat = turned[..., 0:2] / turned[..., 2:3]
    square = (flat * flat).sum(-1)[..., None]
    bent = flat * (1 + camera[..., 9:10] * square + camera[..., 10:11] * square * square)
    return weight[..., None] * (bent * camera[..., 6:7] + camera[..., 7:9] - seen)
