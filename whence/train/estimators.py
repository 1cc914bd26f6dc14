"""Networks under scikit-learn's rules: for Pipeline, GridSearchCV, cross_val_score."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.special import softmax

from ..core.origin import called_at
from ..data.scikit import ClassifierMixin, RegressorMixin, check_classification_targets, column_or_1d
from ..errors import SettingError
from ..nn import functional as F
from .network import Network


class WhenceClassifier(ClassifierMixin, Network):
    """A network that tells classes apart, with scikit-learn's methods.

    It works in float64, or in float32 where X is float32. Standardise the features first, as in the example.

    Args:
        hidden_sizes: of the layers between input and output.
        activation: ``"relu"``, ``"tanh"``, ``"gelu"``, ``"silu"``, ``"elu"``, ``"sigmoid"``, ``"identity"``,
            or a function.
        lr: step size of the optimiser.
        epochs: how often the data are gone through.
        batch_size: samples to an update; ``"auto"`` for all of them, up to 200.
        weight_decay: of the optimiser.
        optimizer: ``"adam"``, ``"adamw"``, ``"sgd"``, ``"rmsprop"``, or a function of the parameters.
        early_stopping: hold a part of the data out, stop when the loss on it falls no more, and go back to
            the best epoch?
        validation_fraction: that part.
        patience: how many epochs without improvement are borne.
        module: ``(n_features, n_outputs) -> Module``, for a network of your own in place of those layers.
        random_state: an integer for the same network every time.
        verbose: show the training?

    Attributes:
        classes_: the labels, sorted.
        module_: the network, with an output for each class.
        n_iter_: how many epochs were done.
        loss_curve_: the loss of each.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from whence.train import WhenceClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = make_pipeline(StandardScaler(), WhenceClassifier(random_state=0)).fit(X, y)
        >>> model.score(X, y) > 0.95, model.predict_proba(X[:1]).shape
        (True, (1, 3))
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a fresh network.

        Args:
            X: (n_samples, n_features).
            y: (n_samples,) labels.
            sample_weight: (n_samples,); None for 1 each. A sample of weight 2 counts as two of weight 1.
        """
        check_classification_targets(y)
        X, y, weight = self._checked(X, y, sample_weight, True)
        self.classes_ = np.unique(y)
        self._start(X, len(self.classes_))
        return self._train(X, self._labels(y), weight, self.epochs, self.early_stopping)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One epoch more on these data; in the first call ``classes`` are all that there will be."""
        fresh = not hasattr(self, "module_")
        if fresh and classes is None:
            raise SettingError(
                f"the first partial_fit has to say which classes there are{called_at()}\n"
                "  → partial_fit(X, y, classes=np.unique(all_labels))"
            )
        X, y, weight = self._checked(X, y, sample_weight, fresh)
        if fresh:
            self.classes_ = np.unique(classes)
            self._start(X, len(self.classes_))
        return self._train(X, self._labels(y), weight, 1, False)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (n_samples, n_classes), in the order of ``classes_``."""
        return softmax(self._outputs(X), axis=1)

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each sample."""
        scores = self._outputs(X)
        return self.classes_[np.argmax(scores, axis=1)]

    def _labels(self, y: np.ndarray) -> np.ndarray:
        labels = np.minimum(np.searchsorted(self.classes_, y), len(self.classes_) - 1)
        unknown = self.classes_[labels] != y
        if unknown.any():
            raise SettingError(
                f"label {y[unknown][0]} is none of the classes {self.classes_.tolist()}{called_at()}"
            )
        return labels

    def _losses(self, output: Any, target: Any) -> Any:
        return F.cross_entropy(output, target, reduction="none")


class WhenceRegressor(RegressorMixin, Network):
    """A network that predicts numbers, with scikit-learn's methods.

    Targets are standardised inside, so their unit is no matter. Arguments are those of
    :class:`WhenceClassifier`.

    Attributes:
        module_: the network, with an output for each target (standardised).
        n_iter_: how many epochs were done.
        loss_curve_: the mean squared error of each, of standardised targets.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from whence.train import WhenceRegressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = make_pipeline(StandardScaler(), WhenceRegressor(epochs=20, random_state=0)).fit(X, y)
        >>> model.score(X, y) > 0.4
        True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a fresh network.

        Args:
            X: (n_samples, n_features).
            y: (n_samples,) or (n_samples, n_targets).
            sample_weight: (n_samples,); None for 1 each. A sample of weight 2 counts as two of weight 1.
        """
        X, y, weight = self._prepared(X, y, sample_weight, True)
        return self._train(X, self._standard(y, X.dtype), weight, self.epochs, self.early_stopping)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch more on these data; the first call's targets give the unit."""
        X, y, weight = self._prepared(X, y, sample_weight, not hasattr(self, "module_"))
        return self._train(X, self._standard(y, X.dtype), weight, 1, False)

    def predict(self, X: Any) -> np.ndarray:
        """(n_samples,), or (n_samples, n_targets) as in ``fit``."""
        y = self._outputs(X) * self._scale + self._mean
        return y.reshape(-1) if self._flat else y

    def _prepared(
        self, X: Any, y: Any, sample_weight: Any, fresh: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        X, y, weight = self._checked(X, y, sample_weight, fresh, multi_output=True, y_numeric=True)
        if fresh:
            if y.ndim == 2 and y.shape[1] == 1:
                y = column_or_1d(y, warn=True)
            self._flat = y.ndim == 1
            columns = y.reshape(len(y), -1).astype(X.dtype)
            self._mean = np.average(columns, axis=0, weights=weight)
            spread = np.sqrt(np.average((columns - self._mean) ** 2, axis=0, weights=weight))
            self._scale = np.where(spread > 0, spread, 1.0).astype(X.dtype)
            self._start(X, columns.shape[1])
        return X, y.reshape(len(y), -1), weight

    def _standard(self, y: np.ndarray, dtype: Any) -> np.ndarray:
        return ((y - self._mean) / self._scale).astype(dtype)

    def _losses(self, output: Any, target: Any) -> Any:
        return F.mse_loss(output, target, reduction="none")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
