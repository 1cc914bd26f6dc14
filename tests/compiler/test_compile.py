"""compile: the same numbers as the function itself, call after call, state and errors included."""

import numpy as np
import pytest

import whence
import whence.nn.functional as F
import whence.scipy.special as special
from whence import Function, Variable, nn, optim
from whence.errors import BoundsError, TraceError
from whence.nn.models.gpt import GPT
from whence.tree import flatten

RNG = np.random.default_rng(0)
X = RNG.normal(size=8)
A = RNG.normal(size=(4, 3))


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


class Square(Function):
    def forward(self, x):
        return x**2

    def backward(self, gy):
        return 2 * self.input.data * gy


def spiral(y):
    for _ in range(20):
        y = y + 0.01 * np.stack([y[1] * y[0], -y[0]])
    return y.sum()


#: What compiles, by name: the function and its arguments.
FUNCTIONS = {
    "plain arrays": (lambda x, y: np.exp(x) @ y, (X, X)),
    "one array, many results": (lambda x: {"a": x.sum(), "b": (x.T, x[1:3])}, (A,)),
    "gradient": (whence.grad(rosenbrock), (X,)),
    "value and gradient": (whence.value_and_grad(rosenbrock), (X,)),
    "Hessian": (whence.hessian(rosenbrock), (X,)),
    "Hessian-vector product": (whence.hvp(rosenbrock), (X, X)),
    "Jacobian": (whence.jacobian(lambda x: np.sin(x) * np.sum(x)), (X,)),
    "forward mode": (lambda x, v: whence.jvp(rosenbrock, (x,), (v,)), (X, X)),
    "vmap": (whence.vmap(lambda x: np.exp(x).sum() * x), (A,)),
    "vmap of a gradient": (whence.vmap(whence.grad(rosenbrock)), (A,)),
    "third derivative": (whence.grad(whence.grad(whence.grad(lambda x: np.tanh(x) ** 2))), (0.5,)),
    "notebook": (whence.grad(lambda x: Square()(np.exp(Square()(x)))), (np.array(0.5),)),
    "singular values": (whence.grad(lambda a: np.linalg.svd(a, compute_uv=False).sum()), (A,)),
    "solve": (whence.grad(lambda a, b: np.linalg.solve(a @ a.T + np.eye(4), b).sum()), (A, X[:4])),
    "gammaln": (whence.grad(lambda x: special.gammaln(x).sum()), (np.abs(X) + 1,)),
    "erf": (whence.grad(lambda x: special.erf(x).sum()), (X,)),
    "logsumexp": (whence.grad(special.logsumexp), (X,)),
    "where": (whence.grad(lambda x: np.where(x > 0, np.sqrt(np.abs(x)), 0).sum()), (X,)),
    "sort": (whence.grad(lambda x: (np.sort(x) * np.arange(8)).sum()), (X,)),
    "einsum": (whence.grad(lambda a: np.einsum("ij,kj->ik", a, a).sum()), (A,)),
    "cumsum, prod": (whence.grad(lambda x: np.cumsum(x**2).prod()), (X,)),
    "fft": (whence.grad(lambda x: np.abs(np.fft.fft(x)).sum()), (X,)),
    "std": (whence.grad(lambda x: np.std(x) + np.var(x) + np.mean(x)), (X,)),
    "float32 and Python numbers": (lambda x: 2.0 * x + 1, (A.astype(np.float32),)),
    "a Python number as argument": (lambda x, s: s * x, (A.astype(np.float32), 3.0)),
    "loop": (whence.grad(spiral), (np.array([1.0, 0.0]),)),
    "containers": (
        whence.grad(lambda p, x: np.tanh(x @ p["w"] + p["b"]).sum()),
        ({"w": A.T, "b": np.zeros(4)}, A),
    ),
}


def leaves(result):
    return [np.asarray(getattr(x, "_data", x)) for x in flatten(result)[0]]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_compiled_function_gives_what_the_function_gives(name):
    function, args = FUNCTIONS[name]
    compiled = whence.compile(function)
    others = [np.asarray(x + 0.25) if isinstance(x, np.ndarray) else x for x in args]
    for given in (args, others, args):
        wanted, found = leaves(function(*given)), leaves(compiled(*given))
        for w, f in zip(wanted, found, strict=True):
            assert w.shape == f.shape and w.dtype == f.dtype
            np.testing.assert_allclose(f, w, rtol=1e-12 if w.dtype == np.float64 else 1e-6, atol=1e-12)
    assert len(compiled.programs) == 1
    for program in compiled.programs:
        program.graph.check()


# --- training ------------------------------------------------------------------------------------------

IMAGES = RNG.normal(size=(12, 1, 8, 8)).astype(np.float32)
ROWS = RNG.normal(size=(12, 20)).astype(np.float32)
LABELS = RNG.integers(0, 5, 12)
TOKENS = RNG.integers(0, 11, (3, 8))

#: Networks by name: how one is made, and its input and labels. No bias in front of a batch norm: its gradient
#: is zero but for rounding, which Adam makes steps of.
NETWORKS = {
    "dropout": (
        lambda: nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 5)),
        ROWS,
        LABELS,
    ),
    "norms": (
        lambda: nn.Sequential(
            nn.Linear(20, 16, bias=False), nn.BatchNorm1d(16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 5)
        ),
        ROWS,
        LABELS,
    ),
    "convolution": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 3, 3, bias=False),
            nn.BatchNorm2d(3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(27, 5),
        ),
        IMAGES,
        LABELS,
    ),
    "GPT": (lambda: GPT(11, 8, layers=2, heads=2, width=16), TOKENS, TOKENS),
}

OPTIMISERS = {
    "SGD": (optim.SGD, {}),
    "momentum": (optim.SGD, {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}),
    "Adam": (optim.Adam, {"eps": 1e-6}),  # a key's bias has no gradient but rounding, which is not to count
    "AdamW": (optim.AdamW, {"amsgrad": True}),
    "RMSprop": (optim.RMSprop, {"centered": True, "momentum": 0.5}),
    "Adagrad": (optim.Adagrad, {"lr_decay": 0.1}),
    "Adadelta": (optim.Adadelta, {}),
    "Lion": (optim.Lion, {}),
    "NAdam": (optim.NAdam, {}),
    "RAdam": (optim.RAdam, {}),
}


def trained(network, optimiser, compiled, steps=8):
    make, x, t = NETWORKS[network]
    kind, settings = OPTIMISERS[optimiser]
    whence.random.seed(0)
    model = make()
    optimizer = kind(model.parameters(), **{"lr": 1e-2, **settings})

    def step(x, t):
        logits = model(x)
        loss = F.cross_entropy(np.reshape(logits, (-1, logits.shape[-1])), np.reshape(t, (-1,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    run = whence.compile(step) if compiled else step
    losses = []
    for i in range(steps):
        losses.append(float(run(x, t).data))
        if i == 2:
            optimizer.param_groups[0]["lr"] *= 0.5  # as schedules do
    return losses, model, optimizer, run


@pytest.mark.parametrize(
    ("network", "optimiser"),
    # Adam makes steps of full size out of the rounding in gradients that are zero (a bias before a norm).
    [(n, "momentum") for n in NETWORKS] + [("dropout", o) for o in OPTIMISERS],
)
def test_a_compiled_step_trains_as_the_step_does(network, optimiser):
    wanted, model, optimizer, _ = trained(network, optimiser, compiled=False)
    found, twin, other, run = trained(network, optimiser, compiled=True)
    np.testing.assert_allclose(found, wanted, rtol=2e-5)
    for name, value in model.state_dict().items():
        np.testing.assert_allclose(twin.state_dict()[name], value, rtol=1e-3, atol=2e-5)
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(q.grad.data, p.grad.data, rtol=1e-3, atol=2e-5)
    for i, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            np.testing.assert_allclose(other.state_dict()["state"][i][name], value, rtol=1e-3, atol=2e-5)
    assert len(run.programs) == (2 if optimiser == "RAdam" else 1)  # its formula changes after some steps


def test_eager_steps_and_compiled_steps_may_take_turns():
    _, model, optimizer, run = trained("norms", "momentum", compiled=True, steps=2)
    _, twin, other, _ = trained("norms", "momentum", compiled=False, steps=4)
    x, t = NETWORKS["norms"][1:]
    run.function(x, t)
    optimizer.param_groups[0]["lr"] = other.param_groups[0]["lr"]
    run(x, t)
    for name, value in twin.state_dict().items():
        np.testing.assert_allclose(model.state_dict()[name], value, rtol=1e-2, atol=1e-3)


# --- differentiating through a compiled function -------------------------------------------------------


def test_a_compiled_function_is_differentiated():
    compiled = whence.compile(rosenbrock)
    np.testing.assert_allclose(whence.grad(compiled)(X), whence.grad(rosenbrock)(X), rtol=1e-12)
    np.testing.assert_allclose(whence.hessian(compiled)(X), whence.hessian(rosenbrock)(X), rtol=1e-12)
    np.testing.assert_allclose(whence.vmap(compiled)(A), whence.vmap(rosenbrock)(A), rtol=1e-12)
    value, tangent = whence.jvp(compiled, (X,), (X,))
    wanted = whence.jvp(rosenbrock, (X,), (X,))
    np.testing.assert_allclose([value, tangent], wanted, rtol=1e-12)
    assert whence.compile(compiled) is compiled
    again = whence.compile(whence.grad(compiled))
    np.testing.assert_allclose(again(X), whence.grad(rosenbrock)(X), rtol=1e-12)


def test_a_compiled_module_is_trained_eagerly():
    whence.random.seed(0)
    model = nn.Sequential(nn.Linear(20, 8), nn.Tanh(), nn.Linear(8, 5))
    compiled = whence.compile(model)
    F.cross_entropy(compiled(ROWS), LABELS).backward()
    found = [p.grad.data for p in model.parameters()]
    model.zero_grad()
    F.cross_entropy(model(ROWS), LABELS).backward()
    for p, g in zip(model.parameters(), found, strict=True):
        np.testing.assert_allclose(g, p.grad.data, rtol=1e-5, atol=1e-7)


# --- what changes between calls --------------------------------------------------------------------------


def test_evaluation_mode_is_noticed():
    whence.random.seed(0)
    model = nn.Sequential(nn.Linear(20, 4), nn.Dropout(0.5))
    compiled = whence.compile(lambda x: model(x))
    assert not np.array_equal(compiled(ROWS).data, compiled(ROWS).data)
    model.eval()
    assert np.array_equal(compiled(ROWS).data, model(ROWS).data)


def test_plain_values_from_outside_are_noticed():
    scale = 2.0

    @whence.compile
    def scaled(x):
        return scale * x

    assert scaled(1.0) == 2.0
    scale = 3.0
    assert scaled(1.0) == 3.0


def test_arrays_from_outside_are_read_afresh():
    table = np.ones(3)
    compiled = whence.compile(lambda x: x * table)
    assert compiled(np.ones(3)).sum() == 3
    table[0] = 5
    assert compiled(np.ones(3)).sum() == 7


@pytest.mark.parametrize("outside", [np.ones((3, 2))[:, 0], np.ones(3)[::-1], np.ones(())])
def test_views_and_numbers_from_outside_are_read_afresh(outside):
    compiled = whence.compile(lambda x: x * outside)
    assert compiled(np.ones(3)).sum() == 3
    outside[...] = 5
    assert compiled(np.ones(3)).sum() == 15


def test_shapes_types_and_static_arguments_make_programs_of_their_own():
    compiled = whence.compile(lambda x, n=1: x**n)
    assert compiled(np.ones(2) * 2, 3)[0] == 8
    assert compiled(np.ones(3) * 2, 3)[0] == 8
    assert compiled(np.ones(3) * 2, n=2)[0] == 4
    assert compiled(np.ones(3, np.float32) * 2, n=2).dtype == np.float32
    assert len(compiled.programs) == 4


def test_a_program_departs_where_an_answer_is_another():
    compiled = whence.compile(whence.grad(np.prod))
    for x in (np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0, 3.0]), np.array([0.0, 0.0, 3.0])):
        np.testing.assert_array_equal(compiled(x), whence.grad(np.prod)(x))


def test_gradients_beside_a_pole_are_as_eager():
    def f(x):
        return np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)) * x, 0.0).sum() + np.sqrt(x[0])

    compiled = whence.compile(whence.grad(f))
    for x in (np.array([1.0, 4.0]), np.array([1.0, -4.0])):
        np.testing.assert_array_equal(compiled(x), whence.grad(f)(x))


# --- errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "read",
    [
        lambda v: float(v),
        lambda v: 1.0 if v > 0 else 2.0,
        lambda v: v.item(),
        lambda v: np.zeros(3)[int(v)],
        lambda v: np.array([v]),
        lambda v: np.nonzero(v),
        lambda v: v[v > 0] if v.ndim else v[None][v[None] > 0],
    ],
)
@pytest.mark.parametrize("kind", [np.array, Variable])
def test_reading_a_value_is_refused(read, kind):
    with pytest.raises(TraceError, match=r"test_compile\.py"), whence.no_grad():
        whence.compile(lambda x: read(x * 2))(kind(1.0))


def test_a_failed_recording_leaves_everything_as_it_was():
    model = nn.Linear(20, 5)
    optimizer = optim.Adam(model.parameters())
    before = {name: value.copy() for name, value in model.state_dict().items()}
    state = whence.random.default.state

    def step(x, t):
        F.cross_entropy(model(x), t).backward()
        optimizer.step()
        whence.random.default.uniform(3)
        raise KeyError("of the user's")

    with pytest.raises(KeyError):
        whence.compile(step)(ROWS, LABELS)
    for name, value in model.state_dict().items():
        assert np.array_equal(value, before[name]) and type(value) is np.ndarray
    assert all(p.grad is None for p in model.parameters())
    assert whence.random.default.state == state and optimizer.state_dict()["state"] == {}


def test_wrong_labels_are_refused_as_eagerly_and_change_nothing():
    _, model, _, run = trained("dropout", "Adam", compiled=True, steps=1)
    before = {name: value.copy() for name, value in model.state_dict().items()}
    with pytest.raises(BoundsError, match="label 7"):
        run(ROWS, np.full(12, 7))
    for name, value in model.state_dict().items():
        assert np.array_equal(value, before[name])


def test_arguments_are_not_written_to():
    def f(x):
        x += 1
        return x

    with pytest.raises(TraceError, match="an argument"):
        whence.compile(f)(np.ones(3))


def test_copies_of_arguments_are_written_to():
    def f(x):
        y = x.copy()
        y += 1
        y[0] = 7
        return y * x

    x = np.arange(3.0)
    for _ in range(2):
        assert whence.compile(f)(x).tolist() == [0, 2, 6] and x.tolist() == [0, 1, 2]


def test_a_value_that_was_kept_is_refused_later():
    kept = []
    whence.compile(lambda x: kept.append(x) or x * 2)(np.ones(2))
    with pytest.raises(TraceError, match="its recording had ended"):
        kept[0] + 1


# --- looking at it -----------------------------------------------------------------------------------------


def test_lowering_ahead_of_time_runs_nothing():
    _, model, optimizer, run = trained("norms", "Adam", compiled=True, steps=0)
    before = {name: value.copy() for name, value in model.state_dict().items()}
    graph = run.lower(ROWS, LABELS)
    assert "np.matmul" in str(graph)
    for name, value in model.state_dict().items():
        assert np.array_equal(value, before[name])
    assert optimizer.state_dict()["state"] == {}
    run(ROWS, LABELS)
    assert len(run.programs) == 1


def test_lowering_takes_shapes():
    class Shape:
        shape, dtype = (3,), np.dtype(np.float32)

    compiled = whence.compile(np.exp)
    assert compiled.lower(Shape()).outputs[0].shape == (3,)
    compiled(np.ones(3, np.float32))
    assert len(compiled.programs) == 1


def test_explain_names_calls_that_stay_in_python():
    compiled = whence.compile(lambda a: np.linalg.inv(a) * 2)
    with pytest.raises(whence.errors.GraphError, match="nothing has been recorded"):
        compiled.explain()
    compiled(np.eye(3))
    text = compiled.explain()
    assert text.startswith("2 calls, of which 1 are made as they are") and "np.linalg.inv" in text
    assert "test_compile.py" in text


def test_too_many_programs_warn():
    compiled = whence.compile(lambda x, n: x * n)
    with pytest.warns(UserWarning, match="has been recorded 17 times"):
        for n in range(20):
            compiled(np.ones(2), n)


def test_methods_and_partial_functions_compile():
    class Model:
        scale = 2.0

        @whence.compile
        def times(self, x):
            return self.scale * x

    model = Model()
    assert model.times(np.ones(1))[0] == 2
    model.scale = 3.0
    assert model.times(np.ones(1))[0] == 3


def test_an_embedding_is_taken_by_rows() -> None:
    rng = np.random.default_rng(0)
    weight, i = rng.normal(size=(7, 3)), rng.integers(-7, 7, (4, 2))
    taken = whence.compile(lambda w, i: np.take(w, i, axis=0) * 2)
    for _ in range(2):
        assert np.array_equal(taken(weight, i), weight[i] * 2)
    assert [node.name for node in taken.graph.nodes] == ["getitem", "np.multiply"]
    with pytest.raises(IndexError, match="out of bounds"):
        taken(weight, i + 7)
