"""Losses: equal to PyTorch's, right at second order, clear about labels that are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import whence
import whence.nn.functional as F
from whence import Variable, nn
from whence.errors import BoundsError, DtypeError, ShapeError, WhenceError

from . import cases
from .cases import Case, normal

X, Y = normal(1, 5, 4), normal(2, 5, 4)
LABELS = np.array([0, 3, 1, 1, 2])
SOME = np.array([0, -100, 1, 3, -100])
WEIGHT = np.array([0.5, 1.5, 2.0, 0.1])
IMAGE, IMAGE_LABELS = normal(3, 2, 3, 2, 2), np.arange(8).reshape(2, 2, 2) % 3
SHARES = np.exp(normal(4, 5, 4))
SHARES /= SHARES.sum(1, keepdims=True)
P = 1 / (1 + np.exp(-X))
BITS = (normal(5, 5, 4) > 0).astype(float)
SIGNS = np.array([1.0, -1.0, 1.0, -1.0, -1.0])
COUNTS = np.floor(np.abs(normal(6, 5, 4)) * 2)
POSITIVE = np.abs(normal(7, 5, 4)) + 0.2


def log_softmax(x):
    return x - np.log(np.sum(np.exp(x), -1, keepdims=True))


SPEECH = log_softmax(normal(8, 6, 3, 4))
WORDS = np.array([[1, 2, 2], [3, 0, 0], [1, 3, 0]])


def ctc(lengths, sizes, **options):
    def f(F, x, words):
        if type(words).__module__.startswith("torch"):
            import torch  # noqa: PLC0415

            return F.ctc_loss(x, words, torch.tensor(lengths), torch.tensor(sizes), **options)
        return F.ctc_loss(x, words, lengths, sizes, **options)

    return f


CASES = {
    "cross_entropy": Case(lambda F, x, t: F.cross_entropy(x, t), (X, LABELS)),
    "cross_entropy one": Case(lambda F, x, t: F.cross_entropy(x, t), (X[0], np.array(2))),
    "cross_entropy sum": Case(lambda F, x, t: F.cross_entropy(x, t, reduction="sum"), (X, LABELS)),
    "cross_entropy each": Case(lambda F, x, t: F.cross_entropy(x, t, reduction="none"), (X, LABELS)),
    "cross_entropy weighted": Case(lambda F, x, t, w: F.cross_entropy(x, t, w), (X, LABELS, WEIGHT), (2,)),
    "cross_entropy some ignored": Case(lambda F, x, t: F.cross_entropy(x, t), (X, SOME)),
    "cross_entropy a class ignored": Case(lambda F, x, t: F.cross_entropy(x, t, ignore_index=1), (X, LABELS)),
    "cross_entropy all options": Case(
        lambda F, x, t, w: F.cross_entropy(x, t, w, label_smoothing=0.2), (X, SOME, WEIGHT), (2,)
    ),
    "cross_entropy smooth each": Case(
        lambda F, x, t: F.cross_entropy(x, t, reduction="none", label_smoothing=0.1), (X, SOME)
    ),
    "cross_entropy weighted each": Case(
        lambda F, x, t, w: F.cross_entropy(x, t, w, reduction="none"), (X, SOME, WEIGHT), (2,)
    ),
    "cross_entropy image": Case(lambda F, x, t: F.cross_entropy(x, t), (IMAGE, IMAGE_LABELS)),
    "cross_entropy image each": Case(
        lambda F, x, t: F.cross_entropy(x, t, reduction="none"), (IMAGE, IMAGE_LABELS)
    ),
    "cross_entropy shares": Case(lambda F, x, t: F.cross_entropy(x, t), (X, SHARES)),
    "cross_entropy shares smooth": Case(
        lambda F, x, t, w: F.cross_entropy(x, t, w, label_smoothing=0.3), (X, SHARES, WEIGHT), (2,)
    ),
    "cross_entropy shares image": Case(
        lambda F, x, t, w: F.cross_entropy(x, t, w, reduction="none"),
        (IMAGE, np.abs(IMAGE), WEIGHT[:3]),
        (2,),
    ),
    "nll_loss": Case(lambda F, x, t: F.nll_loss(x, t), (X, LABELS)),
    "nll_loss weighted": Case(lambda F, x, t, w: F.nll_loss(x, t, w), (X, SOME, WEIGHT), (2,)),
    "nll_loss image": Case(lambda F, x, t: F.nll_loss(x, t, reduction="sum"), (IMAGE, IMAGE_LABELS)),
    "binary_cross_entropy": Case(lambda F, p, t: F.binary_cross_entropy(p, t), (P, BITS), (1,)),
    "binary_cross_entropy shares": Case(
        lambda F, p, t, w: F.binary_cross_entropy(p, t, w, reduction="sum"), (P, SHARES, WEIGHT), (2,)
    ),
    "binary_cross_entropy_with_logits": Case(
        lambda F, x, t: F.binary_cross_entropy_with_logits(x, t), (X, BITS), (1,)
    ),
    "binary_cross_entropy_with_logits weighted": Case(
        lambda F, x, t, w, v: F.binary_cross_entropy_with_logits(x, t, w, reduction="none", pos_weight=v),
        (X, SHARES, WEIGHT, WEIGHT[::-1].copy()),
        (1, 2, 3),
    ),
    "kl_div": Case(lambda F, x, t: F.kl_div(x, t, reduction="batchmean"), (X, SHARES)),
    "kl_div with zeros": Case(lambda F, x, t: F.kl_div(x, t, reduction="sum"), (X, BITS), (1,)),
    "kl_div of logarithms": Case(lambda F, x, t: F.kl_div(x, t, reduction="sum", log_target=True), (X, Y)),
    "soft_margin_loss": Case(lambda F, x, t: F.soft_margin_loss(x, t), (X[:, 0], SIGNS), (1,)),
    "multilabel_soft_margin_loss": Case(
        lambda F, x, t, w: F.multilabel_soft_margin_loss(x, t, w), (X, BITS, WEIGHT), (1, 2)
    ),
    "multi_margin_loss": Case(lambda F, x, t: F.multi_margin_loss(x, t), (X, LABELS)),
    "multi_margin_loss squared": Case(
        lambda F, x, t, w: F.multi_margin_loss(x, t, p=2, margin=0.7, weight=w, reduction="none"),
        (X, LABELS, WEIGHT),
        (2,),
    ),
    "mse_loss": Case(lambda F, x, y: F.mse_loss(x, y), (X, Y)),
    "mse_loss each": Case(lambda F, x, y: F.mse_loss(x, y, reduction="none"), (X, Y)),
    "l1_loss": Case(lambda F, x, y: F.l1_loss(x, y), (X, Y)),
    "smooth_l1_loss": Case(lambda F, x, y: F.smooth_l1_loss(x, y), (X, Y)),
    "smooth_l1_loss beta": Case(lambda F, x, y: F.smooth_l1_loss(x, y, beta=0.3, reduction="sum"), (X, Y)),
    "smooth_l1_loss sharp": Case(lambda F, x, y: F.smooth_l1_loss(x, y, beta=0.0), (X, Y)),
    "huber_loss": Case(lambda F, x, y: F.huber_loss(x, y, delta=0.8), (X, Y)),
    "poisson_nll_loss": Case(lambda F, x, t: F.poisson_nll_loss(x, t), (X, COUNTS), (1,)),
    "poisson_nll_loss full": Case(
        lambda F, x, t: F.poisson_nll_loss(x, t, log_input=False, full=True), (POSITIVE, COUNTS), (1,)
    ),
    "gaussian_nll_loss": Case(lambda F, x, y, v: F.gaussian_nll_loss(x, y, v), (X, Y, POSITIVE)),
    "gaussian_nll_loss rows": Case(
        lambda F, x, y, v: F.gaussian_nll_loss(x, y, v, full=True, reduction="sum"),
        (X, Y, POSITIVE[:, 0].copy()),
    ),
    "cosine_similarity": Case(lambda F, x, y: F.cosine_similarity(x, y), (X, Y)),
    "pairwise_distance": Case(lambda F, x, y: F.pairwise_distance(x, y), (X, Y)),
    "pairwise_distance third": Case(lambda F, x, y: F.pairwise_distance(x, y, p=3.0, keepdim=True), (X, Y)),
    "hinge_embedding_loss": Case(lambda F, x, t: F.hinge_embedding_loss(x, t), (X[:, 0], SIGNS), (1,)),
    "margin_ranking_loss": Case(
        lambda F, x, y, t: F.margin_ranking_loss(x, y, t, margin=0.3), (X[:, 0], Y[:, 0], SIGNS), (2,)
    ),
    "cosine_embedding_loss": Case(
        lambda F, x, y, t: F.cosine_embedding_loss(x, y, t, margin=-0.2), (X, Y, SIGNS), (2,)
    ),
    "triplet_margin_loss": Case(lambda F, a, p, n: F.triplet_margin_loss(a, p, n), (X, Y, normal(9, 5, 4))),
    "triplet_margin_loss swapped": Case(
        lambda F, a, p, n: F.triplet_margin_loss(a, p, n, margin=2.0, swap=True), (X, Y, normal(9, 5, 4))
    ),
    "ctc_loss": Case(ctc([6, 6, 6], [3, 1, 2]), (SPEECH, WORDS)),
    "ctc_loss of lengths": Case(ctc([6, 3, 4], [3, 1, 2], reduction="none"), (SPEECH, WORDS)),
    "ctc_loss in a row": Case(
        ctc([6, 5, 4], [2, 1, 2], reduction="sum"), (SPEECH, np.array([1, 2, 3, 1, 3]))
    ),
    "ctc_loss infeasible": Case(ctc([3, 1, 1], [3, 1, 2], zero_infinity=True), (SPEECH, WORDS)),
    "ctc_loss other blank": Case(ctc([6, 6, 6], [2, 1, 1], blank=3), (SPEECH, WORDS % 3)),
    "ctc_loss no labels": Case(ctc([6, 6, 6], [3, 0, 2], reduction="none"), (SPEECH, WORDS)),
}
# PyTorch's gradient of ctc_loss is that by the logits before log_softmax
FREE = [name for name in CASES if name.startswith("ctc_loss")]
for _name in FREE:
    _case = CASES[_name]
    CASES[_name] = _case._replace(f=lambda F, x, t, f=_case.f: f(F, F.log_softmax(x, dim=-1), t))
every = pytest.mark.parametrize("name", CASES)


@every
def test_is_what_pytorch_recorded(name):
    cases.check_equal(CASES[name], cases.recorded("loss", name))


@every
def test_is_pytorchs(name):
    pytest.importorskip("torch")
    cases.check_equal(CASES[name], cases.of_torch(CASES[name]))


@every
def test_derivatives_to_second_order(name):
    cases.check_derivatives(CASES[name])


@every
def test_single_precision_and_plain_arrays(name):
    cases.check_single(CASES[name])
    cases.check_plain(CASES[name])


BOUNDED = ("binary_cross_entropy", "poisson", "gaussian", "kl_div of")  # e^x, or not logits at all


@pytest.mark.parametrize("name", [name for name in CASES if name == "binary_cross_entropy_with_logits"
                                  or not name.startswith(BOUNDED)])  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_finite_far_out(name, dtype):
    case = CASES[name]
    far = np.where(np.arange(case.arrays[0].size) % 3, 1e4, -1e4).reshape(case.arrays[0].shape)
    for a in cases.of_whence(case._replace(arrays=(far, *case.arrays[1:])), dtype):
        assert np.all(np.isfinite(a))


def test_certain_probabilities():
    p = Variable(np.array([0.0, 1.0, 0.0, 1.0]))
    y = F.binary_cross_entropy(p, np.array([0.0, 1.0, 1.0, 0.0]), reduction="none")
    np.testing.assert_array_equal(y.data, [0.0, 0.0, 100.0, 100.0])
    y.sum().backward()
    np.testing.assert_allclose(p.grad.data, [0.0, 0.0, -1e12, 1e12])


# --- labels of every kind ------------------------------------------------------------------------


def test_labels_are_integers_of_any_kind():
    expected = F.cross_entropy(X, LABELS)
    for target in (LABELS.astype(np.int32), LABELS.astype(np.uint8), LABELS.tolist(), Variable(LABELS)):
        assert F.cross_entropy(X, target) == expected


def test_weights_that_are_learned_get_their_gradient():
    whence.testing.check_gradient(lambda x, w: F.cross_entropy(x, LABELS, w), X, WEIGHT)
    whence.testing.check_gradient(lambda x, w: F.nll_loss(x, LABELS, w), X, WEIGHT)


#: What a loss of labels is told besides: by name, the loss and its options.
LABELLED: dict[str, tuple[Any, dict[str, Any]]] = {
    "plain": (F.cross_entropy, {}),
    "sum": (F.cross_entropy, {"reduction": "sum"}),
    "ignored": (F.cross_entropy, {"ignore_index": 1}),
    "smoothed": (F.cross_entropy, {"label_smoothing": 0.2, "ignore_index": 2}),
    "weighted": (F.cross_entropy, {"weight": np.array([1.0, 2.0, 0.5]), "ignore_index": 1}),
    "nll": (F.nll_loss, {"ignore_index": 1}),
}


@pytest.mark.parametrize("name", LABELLED)
def test_several_labels_of_each_example_under_vmap(name):
    function, options = LABELLED[name]
    rng = np.random.default_rng(1)
    x, t = rng.normal(size=(4, 5, 3)), rng.integers(0, 3, (4, 5))
    assert (t == 1).any() and (t == 2).any()

    def loss(a: Any, b: Any) -> Any:
        return function(a, b, **options)

    for f in (loss, whence.grad(loss), whence.hessian(loss)):
        each = np.stack([np.asarray(f(a, b)) for a, b in zip(x, t, strict=True)])
        np.testing.assert_allclose(np.asarray(whence.vmap(f)(x, t)), each, rtol=1e-11, atol=1e-13)
    rows = np.stack([np.asarray(whence.grad(loss)(a, t[0])) for a in x])
    np.testing.assert_allclose(
        np.asarray(whence.vmap(whence.grad(loss), (0, None))(x, t[0])), rows, rtol=1e-11
    )
    total = whence.grad(lambda a: np.sum(whence.vmap(loss)(a, t)))(x)
    each = np.stack([np.asarray(whence.grad(loss)(a, b)) for a, b in zip(x, t, strict=True)])
    np.testing.assert_allclose(np.asarray(total), each, rtol=1e-11, atol=1e-13)


def test_an_example_without_labels_is_refused_under_vmap_too():
    x, t = np.zeros((2, 3, 4)), np.array([[0, 1, 1], [1, 1, 1]])
    with pytest.raises(WhenceError, match="a mean over no labels"):
        whence.vmap(lambda a, b: F.cross_entropy(a, b, ignore_index=1))(x, t)


def test_under_vmap():
    x, t = normal(1, 3, 5, 4), np.arange(15).reshape(3, 5) % 4
    expected = np.array([F.cross_entropy(a, b) for a, b in zip(x, t, strict=True)])
    np.testing.assert_allclose(whence.vmap(F.cross_entropy)(x, t), expected, rtol=1e-12)
    slope = whence.vmap(whence.grad(F.cross_entropy))(x, t)
    each = [whence.grad(F.cross_entropy)(a, b) for a, b in zip(x, t, strict=True)]
    np.testing.assert_allclose(slope, each, rtol=1e-10, atol=1e-14)
    same = whence.vmap(lambda a: F.cross_entropy(a, t[0]))(x)
    np.testing.assert_allclose(same, [F.cross_entropy(a, t[0]) for a in x], rtol=1e-12)
    rows = whence.vmap(whence.grad(lambda a: F.cross_entropy(a, t[0], WEIGHT)))(x)
    each = [whence.grad(lambda a: F.cross_entropy(a, t[0], WEIGHT))(a) for a in x]
    np.testing.assert_allclose(rows, each, rtol=1e-10, atol=1e-14)


def test_one_hot():
    np.testing.assert_array_equal(F.one_hot(np.array([[0, 2]])), [[[1, 0, 0], [0, 0, 1]]])
    assert F.one_hot(LABELS, 7).shape == (5, 7)
    assert F.one_hot(LABELS).dtype == np.int64
    with pytest.raises(BoundsError, match=r"label 3 at target\[1\]; there are 3 classes"):
        F.one_hot(LABELS, 3)


def test_wrong_labels_are_named_with_their_place():
    with pytest.raises(BoundsError, match=r"label 4 at target\[3\]; there are 4 classes(.|\n)*test_loss\.py"):
        F.cross_entropy(X, np.array([0, 1, 2, 4, 5]))
    with pytest.raises(BoundsError, match=r"label -1 at target\[1, 0, 1\](.|\n)*ignore_index=-100"):
        F.cross_entropy(IMAGE, np.where(np.arange(8).reshape(2, 2, 2) == 5, -1, 0))
    with pytest.raises(ShapeError, match=r"labels of shape \(5,\)(.|\n)*probabilities of shape \(5, 4\)"):
        F.cross_entropy(X, LABELS[:4])
    with pytest.raises(DtypeError, match=r"labels of dtype float64, shape \(5,\)"):
        F.cross_entropy(X, LABELS.astype(float))
    with pytest.raises(ShapeError, match=r"weights of shape \(3,\) for 4 classes"):
        F.cross_entropy(X, LABELS, np.ones(3))
    with pytest.raises(WhenceError, match=r"a mean over no labels"):
        F.cross_entropy(X, np.full(5, -100))
    assert F.cross_entropy(X, np.full(5, -100), reduction="sum") == 0
    with pytest.raises(WhenceError, match=r"no reduction is called 'average'"):
        F.cross_entropy(X, LABELS, reduction="average")
    with pytest.raises(WhenceError, match=r"label_smoothing is a share"):
        F.cross_entropy(X, LABELS, label_smoothing=2.0)


def test_wrong_shapes_and_values():
    for f in (F.mse_loss, F.l1_loss, F.huber_loss, F.binary_cross_entropy_with_logits, F.kl_div):
        with pytest.raises(ShapeError, match=rf"{f.__name__}.*\(5, 1\).*\(5,\)(.|\n)*reshape"):
            f(np.ones((5, 1)), np.ones(5))
    with pytest.raises(WhenceError, match="probabilities, from 0 to 1"):
        F.binary_cross_entropy(2 * np.ones(3), np.ones(3))
    with pytest.raises(WhenceError, match="negative variance"):
        F.gaussian_nll_loss(X, Y, -POSITIVE)
    with pytest.raises(ShapeError, match="variances"):
        F.gaussian_nll_loss(X, Y, np.ones(3))
    with pytest.raises(WhenceError, match="delta > 0"):
        F.huber_loss(X, Y, delta=0.0)
    with pytest.raises(WhenceError, match="p=1 and p=2"):
        F.multi_margin_loss(X, LABELS, p=3)


def test_ctc_says_what_is_wrong():
    with pytest.raises(BoundsError, match=r"input_lengths \[6, 7, 6\]; each is from 0 to 6"):
        F.ctc_loss(SPEECH, WORDS, [6, 7, 6], [3, 1, 2])
    with pytest.raises(BoundsError, match="blank=4"):
        F.ctc_loss(SPEECH, WORDS, [6, 6, 6], [3, 1, 2], blank=4)
    with pytest.raises(BoundsError, match="label 9"):
        F.ctc_loss(SPEECH, 9 * WORDS, [6, 6, 6], [3, 1, 2])
    with pytest.raises(ShapeError, match="as many as the lengths add up to"):
        F.ctc_loss(SPEECH, np.array([1, 2]), [6, 6, 6], [1, 1, 1])
    with pytest.raises(ShapeError, match="for 3 sequences"):
        F.ctc_loss(SPEECH, WORDS, [6, 6], [3, 1, 2])
    assert F.ctc_loss(SPEECH, WORDS, [3, 6, 6], [3, 1, 2], reduction="none")[0] == np.inf
    assert np.ndim(F.ctc_loss(SPEECH[:, 0], WORDS[:1], [6], [3], reduction="none")) == 0


# --- layers --------------------------------------------------------------------------------------

LAYERS = {
    "CrossEntropyLoss": ({"weight": WEIGHT, "ignore_index": 1, "label_smoothing": 0.1}, (X, LABELS)),
    "NLLLoss": ({"weight": WEIGHT, "reduction": "sum"}, (X, LABELS)),
    "BCELoss": ({"reduction": "none"}, (P, BITS)),
    "BCEWithLogitsLoss": ({"pos_weight": WEIGHT}, (X, BITS)),
    "KLDivLoss": ({"reduction": "batchmean", "log_target": True}, (X, Y)),
    "MSELoss": ({"reduction": "sum"}, (X, Y)),
    "L1Loss": ({}, (X, Y)),
    "SmoothL1Loss": ({"beta": 0.4}, (X, Y)),
    "HuberLoss": ({"delta": 0.4}, (X, Y)),
    "PoissonNLLLoss": ({"log_input": False, "full": True}, (POSITIVE, COUNTS)),
    "GaussianNLLLoss": ({"full": True}, (X, Y, POSITIVE)),
    "HingeEmbeddingLoss": ({"margin": 0.4}, (X[:, 0], SIGNS)),
    "MarginRankingLoss": ({"margin": 0.4}, (X[:, 0], Y[:, 0], SIGNS)),
    "CosineEmbeddingLoss": ({"margin": 0.4}, (X, Y, SIGNS)),
    "TripletMarginLoss": ({"margin": 0.4, "p": 1.0, "swap": True}, (X, Y, P)),
    "MultiMarginLoss": ({"p": 2, "weight": WEIGHT}, (X, LABELS)),
    "MultiLabelSoftMarginLoss": ({}, (X, BITS)),
    "SoftMarginLoss": ({}, (X, np.sign(Y))),
    "CTCLoss": (
        {"blank": 0, "zero_infinity": True},
        (SPEECH, WORDS, np.array([6, 6, 6]), np.array([3, 1, 2])),
    ),
    "CosineSimilarity": ({"dim": 0}, (X, Y)),
    "PairwiseDistance": ({"p": 3.0}, (X, Y)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    options, arrays = LAYERS[name]
    theirs = {key: torch.tensor(v) if isinstance(v, np.ndarray) else v for key, v in options.items()}
    expected = getattr(torch.nn, name)(**theirs)(*[torch.tensor(a) for a in arrays])
    found = getattr(nn, name)(**options)(*arrays)
    np.testing.assert_allclose(getattr(found, "_data", found), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_functions_and_learn_nothing(name):
    options, arrays = LAYERS[name]
    layer = getattr(nn, name)(**options)
    assert list(layer.parameters()) == []
    assert repr(layer).startswith(f"{name}(")
    single = layer(*[a.astype(np.float32) if a.dtype.kind == "f" else a for a in arrays])
    assert single.dtype == np.float32
