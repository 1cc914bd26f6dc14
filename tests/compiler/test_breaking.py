"""What could make a compiled function silently wrong: state that changes, aliases, odd calls of NumPy."""

import copy
import pickle
import types

import numpy as np
import pytest

import whence
from whence import Variable, nn, optim
from whence.errors import TraceError, UnknownShapeError
from whence.tree import flatten

X = np.arange(1.0, 4.0)
N = np.arange(3)
BACKENDS = pytest.mark.parametrize("backend", ["numpy", "auto"])

SCALE = 2.0
BOX = types.SimpleNamespace()


class Slotted:
    __slots__ = ("scale",)


class Classy:
    scale = 2.0

    def times(self, x):
        return x * SCALE

    @property
    def factor(self):
        return SCALE


class Scaled(whence.Function):
    def forward(self, x):
        return x * SCALE

    def backward(self, gy):
        return gy * SCALE


class Layer(nn.Module):
    def forward(self, x):
        return x * SCALE


def with_default(x, s=2):
    return x * s


def rescale():
    global SCALE
    SCALE += 1.0


def box(**values):
    vars(BOX).clear()
    vars(BOX).update(values)


MODULE = types.ModuleType("a_module_of_users")
SLOTTED, CLASSY, LAYER = Slotted(), Classy(), Layer()

#: What a function takes from outside: before, the function, what changes it.
OUTSIDE = {
    "a tuple": (lambda: box(s=(1, 2)), lambda x: x * BOX.s[0], lambda: box(s=(5, 2))),
    "another list": (lambda: box(s=[1.0]), lambda x: x * BOX.s[0], lambda: box(s=[5.0])),
    "an equal list, changed later": (
        lambda: box(s=[1.0]),
        lambda x: x * BOX.s[0],
        lambda: (box(s=[1.0]), BOX.s.__setitem__(0, 3.0)),
    ),
    "in a list": (lambda: box(s=[1.0]), lambda x: x * BOX.s[0], lambda: BOX.s.__setitem__(0, 3.0)),
    "in a dict": (lambda: box(s={"a": 1}), lambda x: x * BOX.s["a"], lambda: BOX.s.update(a=2)),
    "in a set": (lambda: box(s={1}), lambda x: x * len(BOX.s), lambda: BOX.s.add(2)),
    "a type": (lambda: box(t=np.float32), lambda x: x.astype(BOX.t), lambda: box(t=np.float64)),
    "a dtype": (
        lambda: box(t=np.dtype("f4")),
        lambda x: x.astype(BOX.t),
        lambda: box(t=np.dtype("f8")),
    ),
    "a ufunc": (lambda: box(f=np.exp), lambda x: BOX.f(x), lambda: box(f=np.sin)),
    "an int, then a float": (lambda: box(s=2), lambda x: N * BOX.s + x, lambda: box(s=2.0)),
    "an int, then a bool": (lambda: box(s=1), lambda x: N * BOX.s, lambda: box(s=True)),
    "the sign of zero": (lambda: box(s=0.0), lambda x: x / np.float64(BOX.s), lambda: box(s=-0.0)),
    "a slot": (
        lambda: setattr(SLOTTED, "scale", 2.0),
        lambda x: x * SLOTTED.scale,
        lambda: setattr(SLOTTED, "scale", 3.0),
    ),
    "an attribute of a class": (
        lambda: setattr(Classy, "scale", 2.0),
        lambda x: x * Classy.scale,
        lambda: setattr(Classy, "scale", 3.0),
    ),
    "an attribute of an object's class": (
        lambda: setattr(Classy, "scale", 2.0),
        lambda x: x * CLASSY.scale,
        lambda: setattr(Classy, "scale", 3.0),
    ),
    "a global name of a method": (lambda: None, lambda x: CLASSY.times(x), rescale),
    "a global name of a property": (lambda: None, lambda x: CLASSY.factor * x, rescale),
    "a global name of a Function": (lambda: None, lambda x: Scaled()(x), rescale),
    "a global name of a module's forward": (lambda: None, lambda x: LAYER(x), rescale),
    "an attribute of a module": (
        lambda: setattr(MODULE, "scale", 2.0),
        lambda x: x * MODULE.scale,
        lambda: setattr(MODULE, "scale", 3.0),
    ),
    "a function of a module": (
        lambda: setattr(MODULE, "act", lambda x: x * 2),
        lambda x: MODULE.act(x),
        lambda: setattr(MODULE, "act", lambda x: x * 3),
    ),
    "a default": (
        lambda: setattr(with_default, "__defaults__", (2,)),
        with_default,
        lambda: setattr(with_default, "__defaults__", (5,)),
    ),
    "elements of an array that was computed with": (
        lambda: box(a=np.ones(3)),
        lambda x: x * (BOX.a * 2),
        lambda: BOX.a.__setitem__(0, 5.0),
    ),
}


def same(found, wanted):
    for f, w in zip(flatten(found)[0], flatten(wanted)[0], strict=True):
        f, w = np.asarray(getattr(f, "_data", f)), np.asarray(getattr(w, "_data", w))
        assert f.shape == w.shape and f.dtype == w.dtype
        np.testing.assert_allclose(f, w, rtol=1e-6 if w.dtype == np.float32 else 1e-12)


@BACKENDS
@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("name", OUTSIDE)
def test_what_changes_outside_is_noticed(name, backend):
    before, function, change = OUTSIDE[name]
    before()
    compiled = whence.compile(function, backend=backend)
    for _ in range(2):
        same(compiled(X), function(X))
    assert len(compiled.programs) == 1
    change()
    same(compiled(X), function(X))


# --- aliases and in-place writes -----------------------------------------------------------------------


def writing(make):
    def function(x):
        z = x * 2
        y = make(z)
        y += 1
        return z, y

    return function


def writing_by(write):
    def function(x):
        z = x * 2
        write(z)
        return z

    return function


def filled_where(x):
    z = x * 2
    np.add(z, 1, out=z, where=z > 3)
    return z


#: Functions that write into what they have made.
WRITING = {
    "astype": writing(lambda z: z.astype(z.dtype)),
    "flatten": writing(lambda z: z.flatten()),
    "positive": writing(lambda z: +z),
    "conjugate": writing(np.conj),
    "clip without ends": writing(lambda z: np.clip(z, None, None)),
    "copy": writing(lambda z: z.copy()),
    "sum over nothing": writing(lambda z: z.sum(axis=())),
    "put": writing_by(lambda z: np.put(z, [0, 2], 7.0)),
    "place": writing_by(lambda z: np.place(z, z > 3, [9.0])),
    "putmask": writing_by(lambda z: np.putmask(z, z > 3, 9.0)),
    "copyto": writing_by(lambda z: np.copyto(z, 4.0, where=z > 3)),
    "out= with where=": filled_where,
    "out=": writing_by(lambda z: np.exp(z, out=z)),
    "add.at": writing_by(lambda z: np.add.at(z, [0, 0], 1.0)),
}


@BACKENDS
@pytest.mark.parametrize("name", WRITING)
def test_writing_in_place_does_what_it_does_eagerly(name, backend):
    compiled = whence.compile(WRITING[name], backend=backend)
    for x in (X, X + 1, X):
        same(compiled(x), WRITING[name](x))
    np.testing.assert_array_equal(X, [1, 2, 3])


@pytest.mark.parametrize("write", [lambda x: np.put(x, 0, 1.0), lambda x: np.copyto(BOX.a, x)])
def test_writing_outside_is_refused_and_not_done(write):
    box(a=np.zeros(3))
    with pytest.raises(TraceError, match="writ"):
        whence.compile(write)(X)
    assert X[0] == 1 and not BOX.a.any()


#: Functions whose results may share memory with arguments.
SHARING = {
    "a new array": lambda x: x * 2,
    "the argument and views": lambda x: (x, x.T, x[::-1], x.reshape(1, 3)),
    "a view of a new array": lambda x: (x + 1)[::2],
    "twice the same": lambda x: [x + 1, x + 1],
    "what depends on nothing": lambda x: np.zeros_like(x),
}


@BACKENDS
@pytest.mark.parametrize("name", SHARING)
def test_results_are_the_callers_own(name, backend):
    compiled = whence.compile(SHARING[name], backend=backend)
    first = flatten(compiled(X))[0]
    kept = [y.copy() for y in first]
    compiled(X + 1)
    compiled(X + 2)
    same(first, kept)
    for i, y in enumerate(first):
        y[...] = 99 + i
    np.testing.assert_array_equal(X, [1, 2, 3])
    same(compiled(X), SHARING[name](X))


# --- gradients of arguments ----------------------------------------------------------------------------


@BACKENDS
@pytest.mark.parametrize("f", [lambda v: (v * 2, v), lambda v: (v, v * 3), lambda v: (v, v)])
def test_a_result_that_is_an_argument_keeps_its_gradient(f, backend):
    v, w = Variable(X), Variable(X)
    for function, u in ((whence.compile(f, backend=backend), v), (f, w)):
        a, b = function(u)
        (a + b).sum().backward()
    same(v.grad, w.grad)


@BACKENDS
def test_backward_inside_leaves_gradients_on_arguments(backend):
    def f(v):
        (v * v).sum().backward()

    compiled, v = whence.compile(f, backend=backend), Variable(X)
    for count in range(1, 4):
        compiled(v)
        same(v.grad, 2 * count * X)


@BACKENDS
def test_a_model_that_is_an_argument_is_the_one_that_is_trained(backend):
    def trained(run):
        whence.random.seed(0)
        model, x = nn.Linear(3, 2), np.ones((2, 3), np.float32)
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def step(model, x):
            optimizer.zero_grad()
            loss = (model(x) ** 2).sum()
            loss.backward()
            optimizer.step()
            return loss

        step = run(step)
        return [float(step(model, x).data) for _ in range(4)]

    wanted = trained(lambda step: step)
    found = trained(lambda step: whence.compile(step, backend=backend))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_freezing_a_parameter_is_noticed():
    model = nn.Linear(3, 2)

    @whence.compile
    def step(x):
        model.zero_grad()
        (model(x) ** 2).sum().backward()

    for learns in (True, False, True):
        model.weight.requires_grad = learns
        step(np.ones((2, 3), np.float32))
        assert (model.weight.grad is not None) is learns


# --- calls of NumPy ------------------------------------------------------------------------------------

MASK = np.array([True, False, True])

#: NumPy's functions with arguments that are seldom given.
CALLS = {
    "sum, initial": lambda x: np.sum(x, initial=2.5),
    "sum, where": lambda x: np.sum(x, where=MASK, initial=1.0, keepdims=True),
    "prod, where": lambda x: np.prod(x, where=MASK),
    "max, where": lambda x: np.max(x, where=MASK, initial=-1.0),
    "min, initial": lambda x: np.min(x, initial=0.5),
    "any, where": lambda x: np.any(x > 2, where=MASK),
    "all, where": lambda x: np.all(x < 2, where=~MASK),
    "accumulate": lambda x: np.add.accumulate(x),
    "where, a Python bool": lambda x: np.where(True, x, 0.0),
    "pinv": lambda x: np.linalg.pinv(x[:, None] + np.eye(3)),
    "gradient of pinv": whence.grad(lambda x: (np.linalg.pinv(x[:, None] * np.eye(3)) ** 2).sum()),
}


@BACKENDS
@pytest.mark.parametrize("name", CALLS)
def test_rare_arguments_of_numpy(name, backend):
    compiled = whence.compile(CALLS[name], backend=backend)
    for x in (X, X + 1, X):
        same(compiled(x), CALLS[name](x))


def test_shapes_that_depend_on_values_are_refused():
    with pytest.raises(UnknownShapeError, match=r"np\.where\(condition"):
        whence.compile(lambda x: np.where(x > 1))(X)


# --- copies --------------------------------------------------------------------------------------------


@whence.compile
def doubled(x):
    return 2 * x


def test_compiled_functions_are_copied_and_pickled():
    model, x = nn.Linear(3, 2), np.ones((2, 3), np.float32)
    compiled = whence.compile(model)
    y = compiled(x)
    twin = copy.deepcopy(compiled)
    twin.function.weight.data = np.zeros((2, 3), np.float32)
    same(compiled(x), y)
    same(twin(x), twin.function(x))
    same(pickle.loads(pickle.dumps(compiled))(x), y)
    doubled(X)
    assert pickle.loads(pickle.dumps(doubled)) is doubled


# --- state between calls ---------------------------------------------------------------------------------


def loaded(step, optimizer, kept):
    if step == 1:
        kept["state"] = copy.deepcopy(optimizer.state_dict())
    if step == 3:
        optimizer.load_state_dict(kept["state"])


def seeded(step, optimizer, kept):
    if step == 2:
        whence.random.seed(7)


@pytest.mark.parametrize("between", [loaded, seeded])
def test_what_is_loaded_or_seeded_between_steps_is_used(between):
    def trained(run):
        whence.random.seed(0)
        model, kept, x = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.3)), {}, np.ones((8, 3), np.float32)
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def step(x):
            optimizer.zero_grad()
            (model(x) ** 2).mean().backward()
            optimizer.step()

        step = run(step)
        for i in range(5):
            step(x)
            between(i, optimizer, kept)
        return [p.data for p in model.parameters()]

    for f, w in zip(trained(whence.compile), trained(lambda step: step), strict=True):
        np.testing.assert_allclose(f, w, rtol=1e-4, atol=1e-6)
