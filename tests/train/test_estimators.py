"""The estimators keep scikit-learn's rules, and learn."""

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from whence import nn, optim
from whence.errors import WhenceError
from whence.train import WhenceClassifier, WhenceRegressor

IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([WhenceClassifier(), WhenceRegressor()])
def test_the_rules_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def test_a_classifier_in_a_pipeline() -> None:
    X, X_test, y, y_test = train_test_split(*load_digits(return_X_y=True), test_size=600, random_state=0)
    names = np.array([f"digit {i}" for i in range(10)])
    model = make_pipeline(StandardScaler(), WhenceClassifier(epochs=30, random_state=0)).fit(X, names[y])
    assert model.score(X_test, names[y_test]) > 0.95
    proba = model.predict_proba(X_test)
    np.testing.assert_allclose(proba.sum(1), 1.0)
    np.testing.assert_array_equal(model.classes_[proba.argmax(1)], model.predict(X_test))


def test_a_regressor_is_indifferent_to_the_unit() -> None:
    model = make_pipeline(StandardScaler(), WhenceRegressor(epochs=30, random_state=0))
    scores = cross_val_score(model, *DIABETES, cv=3)
    assert scores.mean() > 0.4
    X, y = DIABETES
    one, other = (clone(model).fit(X, y * unit + 1e3).predict(X) for unit in (1.0, 1e6))
    np.testing.assert_allclose((other - 1e3) / 1e6, one - 1e3, rtol=1e-6)


def test_a_grid_search() -> None:
    grid = {"hidden_sizes": [(), (8, 8)], "lr": [1e-5, 0.1]}
    search = GridSearchCV(WhenceClassifier(epochs=20, random_state=0), grid, cv=3).fit(*IRIS)
    assert search.best_params_["lr"] == 0.1
    assert search.best_score_ > 0.9


def test_several_targets() -> None:
    X, y = DIABETES
    model = WhenceRegressor(epochs=5, random_state=0).fit(X, np.stack([y, -y, 2 * y], axis=1))
    assert model.predict(X).shape == (len(X), 3)


def test_the_same_seed_gives_the_same_network() -> None:
    X, y = IRIS
    one, other, third = (WhenceClassifier(epochs=3, random_state=seed).fit(X, y) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert (one.predict_proba(X) != third.predict_proba(X)).any()
    assert len(one.loss_curve_) == one.n_iter_ == 3


def test_a_network_of_ones_own() -> None:
    def network(inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(None, 16), nn.Tanh(), nn.Dropout(0.1), nn.Linear(16, outputs))

    def optimizer(parameters: Any) -> Any:
        return optim.AdamW(parameters, lr=0.02)

    X, y = IRIS
    one, other = (
        WhenceClassifier(module=network, optimizer=optimizer, epochs=40, random_state=0).fit(X, y)
        for _ in range(2)
    )
    assert one.score(X, y) > 0.9
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def test_float32_stays() -> None:
    X, y = IRIS
    model = WhenceClassifier(epochs=1).fit(X.astype(np.float32), y)
    assert model.predict_proba(X).dtype == np.float32
    assert next(model.module_.parameters()).dtype == np.float32
    assert WhenceClassifier(epochs=1).fit(X, y).predict_proba(X).dtype == np.float64


def test_weights_count_as_copies() -> None:
    X, y = DIABETES
    weight = np.arange(len(X)) % 3
    one = WhenceRegressor(epochs=5, batch_size=2000, random_state=0).fit(X, y, sample_weight=weight)
    other = WhenceRegressor(epochs=5, batch_size=2000, random_state=0).fit(
        X.repeat(weight, 0), y.repeat(weight)
    )
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-8)
    with pytest.raises(ValueError, match=r"(?i)sample weights .*zero"):
        one.fit(X, y, sample_weight=np.zeros(len(X)))


def test_early_stopping_goes_back_to_the_best() -> None:
    X, y = IRIS
    model = WhenceClassifier(epochs=2000, lr=0.05, early_stopping=True, patience=5, random_state=0).fit(X, y)
    assert model.n_iter_ < 2000
    assert model.n_iter_ == len(model.loss_curve_) == int(np.argmin(model.validation_loss_curve_)) + 6
    assert model.score(X, y) > 0.9


def test_learning_bit_by_bit() -> None:
    X, y = IRIS
    model = WhenceClassifier(lr=0.02, random_state=0)
    with pytest.raises(WhenceError, match=r"which classes there are.*\n  → partial_fit\(X, y, classes="):
        model.partial_fit(X, y)
    for _ in range(60):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert model.n_iter_ == 60
    assert model.score(X, y) > 0.9
    with pytest.raises(WhenceError, match=r"label 7 is none of the classes \[0, 1, 2\]"):
        model.partial_fit(X, np.full(len(X), 7))
    regressor = WhenceRegressor(lr=0.02, random_state=0)
    for _ in range(60):
        regressor.partial_fit(*DIABETES)
    assert regressor.score(*DIABETES) > 0.4


def test_a_fitted_estimator_is_pickled_and_goes_on() -> None:
    X, y = IRIS
    model = WhenceClassifier(epochs=2, random_state=0).fit(X, y)
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict_proba(X), model.predict_proba(X))
    model.partial_fit(X, y)
    copied.partial_fit(X, y)
    np.testing.assert_array_equal(copied.predict_proba(X), model.predict_proba(X))


def test_names_that_do_not_exist() -> None:
    with pytest.raises(WhenceError, match="no activation 'rleu'"):
        WhenceClassifier(activation="rleu").fit(*IRIS)
    with pytest.raises(WhenceError, match="no optimizer 'adma'"):
        WhenceClassifier(optimizer="adma").fit(*IRIS)
