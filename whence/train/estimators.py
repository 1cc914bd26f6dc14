"""Networks under scikit-learn's rules: for Pipeline, GridSearchCV, cross_val_score."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Self

import numpy as np
from scipy.special import softmax

from .. import nn, optim, random
from ..config import no_grad
from ..core.origin import called_at
from ..data import DataLoader, TensorDataset
from ..data.scikit import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    _check_sample_weight,
    check_classification_targets,
    check_is_fitted,
    check_random_state,
    column_or_1d,
    train_test_split,
    validate_data,
)
from ..errors import SettingError
from ..nn import functional as F
from ..random import Stream
from .callbacks import EarlyStopping
from .trainer import Trainer

_ACTIVATIONS = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}
_OPTIMIZERS = {"adam": optim.Adam, "adamw": optim.AdamW, "rmsprop": optim.RMSprop, "sgd": optim.SGD}
_FLOATS = (np.float64, np.float32)


class _Weighted(Trainer):
    """Batches are ``(x, weight, target)``; the loss is the weighted mean over the samples."""

    def compute(self, inputs: tuple[Any, ...], target: Any) -> tuple[Any, Any]:
        """Output and loss."""
        x, weight = inputs
        output = self.model(x)
        losses = self.loss(output, target)
        if losses.ndim > 1:
            losses = np.mean(losses, axis=tuple(range(1, losses.ndim)))
        return output, np.mean(losses * weight)


class _Network(BaseEstimator):
    """What the two estimators share."""

    def __init__(
        self,
        hidden_sizes: tuple[int, ...] = (64,),
        activation: str | Callable[[Any], Any] = "relu",
        *,
        lr: float = 3e-3,
        epochs: int = 200,
        batch_size: int | str = "auto",
        weight_decay: float = 1e-4,
        optimizer: str | Callable[[Any], Any] = "adam",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        module: Callable[[int, int], nn.Module] | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_sizes = hidden_sizes
        self.activation = activation
        self.lr = lr
        self.epochs = epochs
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.module = module
        self.random_state = random_state
        self.verbose = verbose

    def _checked(
        self, X: Any, y: Any, sample_weight: Any, fresh: bool, **options: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Arrays that fit together; weights with mean 1, samples of weight 0 left out."""
        X, y = validate_data(self, X, y, dtype=_FLOATS, reset=fresh, **options)
        if not fresh:
            X = X.astype(next(self.module_.parameters()).dtype, copy=False)
        if sample_weight is None:
            return X, y, np.ones(len(X), X.dtype)
        weight = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        kept = weight > 0
        if not kept.any():
            raise SettingError(
                f"all sample weights are zero{called_at()}\n  → at least one has to be positive"
            )
        weight = weight[kept]
        return X[kept], y[kept], weight / np.mean(weight)

    def _start(self, X: np.ndarray, outputs: int) -> None:
        """A network with fresh weights, and its optimiser."""
        self._stream = Stream(int(check_random_state(self.random_state).randint((1 << 31) - 1)))
        with self._seeded():
            self.module_ = self._built(X.shape[1], outputs).to(X.dtype)
            with no_grad():
                self.module_.eval()(X[:1])  # sizes that are learnt from the first input
        self._steps = self._made_optimizer()
        self.n_iter_, self.loss_curve_ = 0, []

    def _built(self, inputs: int, outputs: int) -> nn.Module:
        if self.module is not None:
            return self.module(inputs, outputs)
        if not callable(self.activation) and self.activation not in _ACTIVATIONS:
            raise SettingError(
                f"there is no activation {self.activation!r}{called_at()}\n"
                f"  → one of {', '.join(_ACTIVATIONS)}, or a function"
            )
        sizes = [inputs, *self.hidden_sizes]
        layers: list[Any] = []
        for n, m in pairwise(sizes):
            activation = self.activation if callable(self.activation) else _ACTIVATIONS[self.activation]()
            layers += [nn.Linear(n, m, stream=self._stream), activation]
        return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs, stream=self._stream))

    def _made_optimizer(self) -> Any:
        parameters = list(self.module_.parameters())
        if callable(self.optimizer):
            return self.optimizer(parameters)
        if self.optimizer not in _OPTIMIZERS:
            raise SettingError(
                f"there is no optimizer {self.optimizer!r}{called_at()}\n"
                f"  → one of {', '.join(_OPTIMIZERS)}, or a function of the parameters"
            )
        return _OPTIMIZERS[self.optimizer](parameters, lr=self.lr, weight_decay=self.weight_decay)

    @contextmanager
    def _seeded(self) -> Iterator[None]:
        """A module of the user's draws from the default stream: for a while that is the estimator's."""
        if self.module is None:
            yield
            return
        before = random.default.state
        random.default.state = self._stream.state
        try:
            yield
        finally:
            self._stream.state = random.default.state
            random.default.state = before

    def _train(self, X: Any, target: Any, weight: Any, epochs: int, stopping: bool) -> Self:
        valid, patience = None, None
        if stopping:
            X, X_valid, target, t_valid, weight, w_valid = self._split(X, target, weight)
            valid = DataLoader(TensorDataset(X_valid, w_valid, t_valid), batch_size=1024)
            patience = EarlyStopping(self.patience)
        size = min(200, len(X)) if self.batch_size == "auto" else int(self.batch_size)
        seed = int(self._stream.integers(0, 1 << 62))
        loader = DataLoader(TensorDataset(X, weight, target), batch_size=size, shuffle=True, seed=seed)
        trainer = _Weighted(self.module_, self._steps, self._losses)
        show = None if self.verbose else False
        with self._seeded():
            history = trainer.fit(loader, valid, epochs, early_stopping=patience, progress=show)
        self.module_.eval()
        self.loss_curve_ = [*self.loss_curve_, *history["loss"]]
        self.n_iter_ += history.epochs
        if stopping:
            self.validation_loss_curve_ = history["valid_loss"]
        return self

    def _split(self, X: Any, target: Any, weight: Any) -> list[Any]:
        """A part held out; of labels, each in its proportion where there are enough."""
        seed = int(self._stream.integers(0, 1 << 31))
        labels = target if target.ndim == 1 and np.bincount(target).min(initial=2) >= 2 else None
        return train_test_split(
            X, target, weight, test_size=self.validation_fraction, random_state=seed, stratify=labels
        )

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=_FLOATS, reset=False)
        kind = next(self.module_.parameters()).dtype
        trainer = Trainer(self.module_, self._steps, self._losses)
        with self._seeded():
            return trainer.predict(X.astype(kind, copy=False), batch_size=1024)

    def _losses(self, output: Any, target: Any) -> Any:
        """The loss of each sample."""
        raise NotImplementedError


class WhenceClassifier(ClassifierMixin, _Network):
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


class WhenceRegressor(RegressorMixin, _Network):
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
