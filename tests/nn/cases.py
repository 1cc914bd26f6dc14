"""Calls that mean the same in PyTorch and here, as data: values and gradients are compared.

A case is a call ``f(F, *arrays)`` where ``F`` is ``torch.nn.functional`` or ``whence.nn.functional``. What
PyTorch gives is kept in ``reference/<room>.npz`` (written by ``python -m tests.nn.record``), so that it is
compared where PyTorch is not installed, too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import whence.nn.functional as ours
from whence import Variable
from whence.testing import check_gradient

REFERENCE = Path(__file__).parent / "reference"


class Case(NamedTuple):
    """``f(F, *arrays)``; floating-point arrays are differentiated unless ``constant`` names them."""

    f: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]
    constant: tuple[int, ...] = ()
    order: int = 2
    atol: float = 1e-10  # more where PyTorch itself computes with a constant in single precision

    @property
    def learned(self) -> list[int]:
        return [i for i, a in enumerate(self.arrays) if a.dtype.kind == "f" and i not in self.constant]


def normal(seed: int, *shape: int, scale: float = 1.5) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape) * scale


def weights(y: Any) -> np.ndarray:
    """What the output is multiplied with before it is summed up."""
    return np.cos(np.arange(y.size) + 0.5).reshape(y.shape)


def of_whence(case: Case, dtype: Any = np.float64) -> list[np.ndarray]:
    """The output, and the gradients of ``sum(weights * output)``."""
    xs = [
        Variable(a.astype(dtype)) if i in case.learned else a.astype(dtype) if a.dtype.kind == "f" else a
        for i, a in enumerate(case.arrays)
    ]
    y = case.f(ours, *xs)
    y.backward(gradient=weights(y).astype(dtype))
    return [
        y.data,
        *(np.zeros_like(x.data) if x.grad is None else x.grad.data for x in (xs[i] for i in case.learned)),
    ]


def of_torch(case: Case) -> list[np.ndarray]:
    """The same by PyTorch."""
    import torch  # noqa: PLC0415  (only where it is installed)

    xs = [torch.tensor(a, requires_grad=i in case.learned) for i, a in enumerate(case.arrays)]
    y = case.f(torch.nn.functional, *xs)
    y.backward(torch.tensor(weights(y.detach().numpy())))
    grads = [np.zeros(xs[i].shape) if xs[i].grad is None else xs[i].grad.numpy() for i in case.learned]
    return [y.detach().numpy(), *grads]


def recorded(room: str, name: str) -> list[np.ndarray]:
    with np.load(REFERENCE / f"{room}.npz") as file:
        count = sum(key.rpartition(":")[0] == name for key in file.files)
        assert count, f"{name} is not recorded: python -m tests.nn.record"
        return [file[f"{name}:{i}"] for i in range(count)]


def record(room: str, cases: dict[str, Case]) -> None:
    """Write what PyTorch gives."""
    values = {f"{name}:{i}": a for name, case in cases.items() for i, a in enumerate(of_torch(case))}
    REFERENCE.mkdir(exist_ok=True)
    np.savez_compressed(REFERENCE / f"{room}.npz", **values)


def check_equal(case: Case, expected: list[np.ndarray]) -> None:
    found = of_whence(case)
    assert len(found) == len(expected)
    for a, e in zip(found, expected, strict=True):
        assert a.shape == e.shape, (a.shape, e.shape)
        np.testing.assert_allclose(a, e, rtol=case.atol, atol=case.atol)


def check_derivatives(case: Case) -> None:
    """First and second derivatives against numerical ones."""

    def f(*learned: Any) -> Any:
        xs = list(case.arrays)
        for i, x in zip(case.learned, learned, strict=True):
            xs[i] = x
        return case.f(ours, *xs)

    check_gradient(f, *(case.arrays[i] for i in case.learned), order=case.order)


def check_single(case: Case) -> None:
    """float32 in, float32 out, and near the double-precision result."""
    for a, e in zip(of_whence(case, np.float32), of_whence(case), strict=True):
        assert a.dtype == np.float32
        size = 1 + np.max(np.abs(e), initial=0)
        np.testing.assert_allclose(a, e, rtol=1e-3, atol=2e-5 * size)


def check_plain(case: Case) -> None:
    """Arrays in, an array out."""
    y = case.f(ours, *case.arrays)
    assert isinstance(y, (np.ndarray, np.generic))
    np.testing.assert_allclose(y, of_whence(case)[0], rtol=1e-14, atol=1e-14)
