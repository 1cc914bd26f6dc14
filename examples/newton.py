"""Logistic regression by Newton's method: tumours told apart in half a dozen steps.

The loss is written once. ``whence.hessian`` gives all the second derivatives, so each step solves a linear
system, and the inverse of the last Hessian gives the errors of the coefficients.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

import whence

try:
    from sklearn.datasets import load_breast_cancer
except ImportError:
    sys.exit('This example reads data of scikit-learn.\n  → pip install "whence[demo]"')


def loss(w: np.ndarray, x: np.ndarray, t: np.ndarray, penalty: float) -> np.ndarray:
    """Minus the log-likelihood of labels ±1, and a Gaussian prior of the coefficients."""
    margin = t * (x @ w)
    return np.sum(np.logaddexp(0, -margin)) + penalty / 2 * np.sum(w[1:] ** 2)


def newton(w: np.ndarray, *data: object) -> np.ndarray:
    """Newton's method from ``w``; a step that does not go down is halved."""
    for step in range(50):
        value, gradient = whence.value_and_grad(loss)(w, *data)
        print(f"step {step}: loss {value:.6f}, gradient {np.linalg.norm(gradient):.1e}")
        if np.linalg.norm(gradient) < 1e-8 * len(w):
            break
        move = np.linalg.solve(whence.hessian(loss)(w, *data), gradient)
        while loss(w - move, *data) > value:
            move = move / 2
        w = w - move
    return w


def main() -> None:
    """Train on two thirds of the tumours, test on the others."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--penalty", type=float, default=1.0)
    chosen = options.parse_args()

    data = load_breast_cancer()
    order = np.random.default_rng(0).permutation(len(data.target))
    train, test = order[: 2 * len(order) // 3], order[2 * len(order) // 3 :]
    x = (data.data - data.data[train].mean(0)) / data.data[train].std(0)
    x = np.column_stack([np.ones(len(x)), x])  # (N, 31)
    t = 2 * data.target - 1

    w = newton(np.zeros(x.shape[1]), x[train], t[train], chosen.penalty)
    spread = np.sqrt(np.diagonal(np.linalg.inv(whence.hessian(loss)(w, x[train], t[train], chosen.penalty))))
    for i in np.argsort(-np.abs(w[1:] / spread[1:]))[:5]:
        print(f"{data.feature_names[i]:>25} {w[i + 1]:6.2f} ± {spread[i + 1]:.2f}")
    accuracy = np.mean((x[test] @ w > 0) == (t[test] > 0))
    gradient = np.linalg.norm(whence.grad(loss)(w, x[train], t[train], chosen.penalty))
    print(f"test accuracy {accuracy:.3f}")
    if not (accuracy > 0.95 and gradient < 1e-6):
        sys.exit("Newton's method did not arrive.")


if __name__ == "__main__":
    main()
