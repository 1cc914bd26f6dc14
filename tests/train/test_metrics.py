"""Metrics are those that scikit-learn computes, of all samples, however they are cut into batches."""

import math

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn import metrics as sk

from whence.errors import DtypeError, ShapeError, WhenceError
from whence.train import Metric, metric
from whence.train.metrics import METRICS, Tally

RANDOM = np.random.default_rng(0)
SCORES, LABELS = RANDOM.normal(size=(50, 5)), RANDOM.integers(0, 5, 50)
LOGITS, BITS = RANDOM.normal(size=50), RANDOM.integers(0, 2, 50)
OUTPUT, TARGET = RANDOM.normal(size=(50, 3)), RANDOM.normal(size=(50, 3)) + 2.0
GUESSES = SCORES.argmax(1)

WANTED = {
    "accuracy": (SCORES, LABELS, sk.accuracy_score(LABELS, GUESSES)),
    "top_3": (SCORES, LABELS, sk.top_k_accuracy_score(LABELS, SCORES, k=3)),
    "precision": (SCORES, LABELS, sk.precision_score(LABELS, GUESSES, average="macro")),
    "recall": (SCORES, LABELS, sk.recall_score(LABELS, GUESSES, average="macro")),
    "f1": (SCORES, LABELS, sk.f1_score(LABELS, GUESSES, average="macro")),
    "perplexity": (SCORES, LABELS, math.exp(sk.log_loss(LABELS, np.exp(log_softmax(SCORES, axis=1))))),
    "mse": (OUTPUT, TARGET, sk.mean_squared_error(TARGET, OUTPUT)),
    "rmse": (OUTPUT, TARGET, math.sqrt(sk.mean_squared_error(TARGET, OUTPUT))),
    "mae": (OUTPUT, TARGET, sk.mean_absolute_error(TARGET, OUTPUT)),
    "r2": (OUTPUT.ravel(), TARGET.ravel(), sk.r2_score(TARGET.ravel(), OUTPUT.ravel())),
}
BINARY = {
    "accuracy": sk.accuracy_score(BITS, LOGITS > 0),
    "precision": sk.precision_score(BITS, LOGITS > 0),
    "recall": sk.recall_score(BITS, LOGITS > 0),
    "f1": sk.f1_score(BITS, LOGITS > 0),
}


def figure(wanted: str | Metric, output: np.ndarray, target: np.ndarray, size: int) -> float:
    tally = Tally([metric(wanted)])
    for start in range(0, len(target), size):
        tally.add(output[start : start + size], target[start : start + size])
    return tally.figures()[metric(wanted).name]


def test_every_metric_is_in_the_table() -> None:
    assert set(WANTED) - {"top_3"} == set(METRICS)


@pytest.mark.parametrize("size", [50, 7])
@pytest.mark.parametrize("name", WANTED)
def test_metrics_are_those_of_scikit_learn(name: str, size: int) -> None:
    output, target, wanted = WANTED[name]
    assert figure(name, output, target, size) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("column", [False, True])
def test_one_score_means_two_classes(name: str, column: bool) -> None:
    output = LOGITS[:, None] if column else LOGITS
    assert figure(name, output, BITS, 7) == pytest.approx(BINARY[name], rel=1e-12)


def test_classes_may_be_axis_1_or_the_last_one() -> None:
    scores, labels = SCORES.reshape(10, 5, 5), LABELS.reshape(10, 5)
    last = RANDOM.normal(size=(10, 4, 5))
    tokens = last.argmax(2)
    assert figure("accuracy", np.moveaxis(last, 2, 1), tokens, 10) == 1.0
    assert figure("accuracy", last, tokens, 10) == 1.0
    assert figure("accuracy", scores, labels, 3) == np.mean(scores.argmax(1) == labels)


def test_labels_below_zero_are_left_out() -> None:
    labels = np.where(np.arange(50) < 20, -100, LABELS)
    assert figure("accuracy", SCORES, labels, 50) == np.mean(GUESSES[20:] == LABELS[20:])


def test_a_function_is_averaged_over_samples_not_batches() -> None:
    def first(output: np.ndarray, target: np.ndarray) -> float:
        return float(np.mean(output[:, 0]))

    tally = Tally([metric(first)])
    for part in (slice(0, 49), slice(49, 50)):
        tally.add(SCORES[part], LABELS[part])
    assert tally.figures() == {"first": pytest.approx(SCORES[:, 0].mean())}


def test_a_metric_of_ones_own_adds_up_what_it_counts() -> None:
    largest = Metric("spread", lambda y, t: np.array([len(t), np.sum(y * y)]), lambda sums: sums[1] / sums[0])
    assert figure(largest, LOGITS, BITS, 7) == pytest.approx(np.mean(LOGITS**2))


def test_messages() -> None:
    with pytest.raises(
        WhenceError, match=r"no metric 'acuracy'.*test_metrics.py:\d+\)\n  → one of accuracy, f1"
    ):
        metric("acuracy")
    with pytest.raises(DtypeError, match=r"accuracy of targets that are no labels, float64 of shape \(50,\)"):
        figure("accuracy", SCORES, LABELS + 0.5, 50)
    assert figure("accuracy", SCORES, LABELS.astype(float), 50) == figure("accuracy", SCORES, LABELS, 50)
    with pytest.raises(ShapeError, match=r"accuracy of output \(50, 5\) and target \(49,\)"):
        figure("accuracy", SCORES, LABELS[:49], 50)
    with pytest.raises(ShapeError, match=r"output \(50, 3\) and target \(50,\) have to have one shape"):
        figure("mse", OUTPUT, TARGET[:, 0], 50)
    with pytest.raises(WhenceError, match="label 5 among 5 classes"):
        figure("accuracy", SCORES, LABELS + 1, 50)
