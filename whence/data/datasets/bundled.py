"""The data sets that come with scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dataset import TensorDataset
from ..scikit import datasets as _sklearn


def _classes(bunch: Any) -> TensorDataset:
    return TensorDataset(bunch.data.astype(np.float32), bunch.target.astype(np.int64))


def digits() -> TensorDataset:
    """1797 handwritten digits: images (float32, (1797, 1, 8, 8), from 0 to 1) and labels."""
    bunch: Any = _sklearn.load_digits()
    return TensorDataset((bunch.images[:, None] / 16).astype(np.float32), bunch.target.astype(np.int64))


def iris() -> TensorDataset:
    """150 flowers: four measures in cm, and one of three species."""
    return _classes(_sklearn.load_iris())


def wine() -> TensorDataset:
    """178 wines: thirteen measures, and one of three growers."""
    return _classes(_sklearn.load_wine())


def breast_cancer() -> TensorDataset:
    """569 tumours: thirty measures, and malignant (0) or benign (1)."""
    return _classes(_sklearn.load_breast_cancer())


def diabetes() -> TensorDataset:
    """442 patients: ten measures (standardised), and the disease's progression after a year (float32)."""
    bunch: Any = _sklearn.load_diabetes()
    return TensorDataset(bunch.data.astype(np.float32), bunch.target.astype(np.float32))
