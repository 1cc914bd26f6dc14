"""A Gaussian process: its hyperparameters by maximum likelihood, with error bars on them.

The minus log-likelihood is NumPy; its gradient, for the search, and its Hessian, for the errors, are exact.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

import whence


def covariance(p: dict, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared-exponential covariances of the values at ``a`` and ``b``."""
    distance = (a[:, None] - b) / np.exp(p["log_length"])
    return np.exp(2 * p["log_height"] - distance**2 / 2)


def factor(p: dict, x: np.ndarray) -> np.ndarray:
    """The Cholesky factor of the covariance of noisy values at ``x``."""
    return np.linalg.cholesky(covariance(p, x, x) + np.exp(2 * p["log_noise"]) * np.eye(len(x)))


def minus_log_likelihood(p: dict, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``-log N(y; 0, K)``."""
    L = factor(p, x)
    z = np.linalg.solve(L, y)
    return z @ z / 2 + np.sum(np.log(np.diagonal(L))) + len(x) / 2 * np.log(2 * np.pi)


def predict(p: dict, x: np.ndarray, y: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the function at new points."""
    L = factor(p, x)
    v = np.linalg.solve(L, covariance(p, x, at))
    mean = v.T @ np.linalg.solve(L, y)
    return mean, np.sqrt(np.exp(2 * p["log_height"]) - np.sum(v**2, axis=0))


def main() -> None:
    """Fit noisy points of a known function, and see how well it is found again."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--points", type=int, default=120)
    options.add_argument("--noise", type=float, default=0.15)
    options.add_argument("--picture", help="where to save one")
    chosen = options.parse_args()

    random = np.random.default_rng(0)
    x = np.sort(random.uniform(0, 10, chosen.points))
    y = np.sin(x) + 0.5 * np.cos(2.3 * x) + chosen.noise * random.standard_normal(len(x))

    start = {"log_length": 0.0, "log_height": 0.0, "log_noise": 0.0}
    fit = whence.optimize.minimize(minus_log_likelihood, start, args=(x, y))
    for name, title in (("log_length", "length"), ("log_height", "height"), ("log_noise", "noise")):
        value, error = fit.propagate(lambda p, name=name: np.exp(p[name]))
        print(f"{title:7} {value:.3f} ± {error:.3f}")

    at = np.linspace(0, 10, 200)
    mean, deviation = predict(fit.x, x, y, at)
    truth = np.sin(at) + 0.5 * np.cos(2.3 * at)
    error = np.sqrt(np.mean((mean - truth) ** 2))
    inside = np.mean(np.abs(mean - truth) < 2 * deviation)
    print(f"error {error:.4f}, {inside:.0%} of the truth within two standard deviations")
    if chosen.picture:
        draw(chosen.picture, x, y, at, mean, deviation, truth)
    if not error < chosen.noise or not abs(np.exp(fit.x["log_noise"]) - chosen.noise) < 0.3 * chosen.noise:
        sys.exit("The fit did not find the function and the noise again.")


def draw(path: str, x, y, at, mean, deviation, truth) -> None:
    """The points, the mean, and two standard deviations about it."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # only where a picture is wanted

    axes = (figure := Figure(figsize=(8, 4))).subplots()
    axes.fill_between(at, mean - 2 * deviation, mean + 2 * deviation, alpha=0.2)
    axes.plot(x, y, ".", at, mean, at, truth, "k:")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
