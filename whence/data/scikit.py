"""All that whence takes from scikit-learn: its bundled data sets, and the rules of its estimators."""

from __future__ import annotations

from ..errors import MissingExtraError

try:
    from sklearn import datasets as datasets
    from sklearn.base import BaseEstimator as BaseEstimator
    from sklearn.base import ClassifierMixin as ClassifierMixin
    from sklearn.base import RegressorMixin as RegressorMixin
    from sklearn.model_selection import train_test_split as train_test_split
    from sklearn.utils import check_random_state as check_random_state
    from sklearn.utils import column_or_1d as column_or_1d
    from sklearn.utils.multiclass import check_classification_targets as check_classification_targets
    from sklearn.utils.validation import _check_sample_weight as _check_sample_weight
    from sklearn.utils.validation import check_is_fitted as check_is_fitted
    from sklearn.utils.validation import validate_data as validate_data
except ImportError as error:
    raise MissingExtraError(
        "the estimators, and the data sets digits, iris, wine, ..., need scikit-learn "
        f'({error})\n  → pip install "whence[train]"'
    ) from error
