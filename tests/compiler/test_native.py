"""The launch table, the pool, and the call: kernels written by hand in LLVM's language."""

import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from functools import cache
from typing import Any

import numpy as np
import pytest

import whence
from whence.compiler import llvm
from whence.compiler.native import blas
from whence.compiler.native.engine import engine
from whence.compiler.native.guards import Guards
from whence.compiler.native.program import At, Input, Launch, Output, Program, Step

F4 = np.dtype(np.float32)

ADD = """
define void @add(ptr %words, i64 %begin, i64 %end) {
entry:
  %x = load ptr, ptr %words
  %y.at = getelementptr ptr, ptr %words, i64 1
  %y = load ptr, ptr %y.at
  %z.at = getelementptr ptr, ptr %words, i64 2
  %z = load ptr, ptr %z.at
  br label %next
next:
  %n = phi i64 [ %begin, %entry ], [ %n.next, %one ]
  %over = icmp sge i64 %n, %end
  br i1 %over, label %done, label %one
one:
  %x.n = getelementptr float, ptr %x, i64 %n
  %y.n = getelementptr float, ptr %y, i64 %n
  %z.n = getelementptr float, ptr %z, i64 %n
  %left = load float, ptr %x.n
  %right = load float, ptr %y.n
  %sum = fadd float %left, %right
  store float %sum, ptr %z.n
  %n.next = add i64 %n, 1
  br label %next
done:
  ret void
}
"""


@cache
def library() -> llvm.Library:
    made = llvm.Library(llvm.host())
    made.add(llvm.assemble(ADD, llvm.host()))
    return made


def adder(size: int, grain: int = 0, times: int = 1, before: tuple[Step, ...] = (), **said: Any) -> Program:
    launch = Launch(library().address("add"), (At(0), At(1), At(2)), size, grain, "add")
    return Program(
        [*before, *[launch] * times],
        3,
        inputs=[Input(F4, (size,), 0), Input(F4, (size,), 1)],
        outputs=[Output(F4, (size,), 2)],
        keep=library(),
        **said,
    )


def draw(size: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(size)
    return random.normal(size=size).astype(F4), random.normal(size=size).astype(F4)


@pytest.mark.parametrize("size", [0, 1, 7, 1000, 100_003])
@pytest.mark.parametrize("grain", [0, 1, 64])
def test_any_number_of_threads_gives_the_same_bits(size: int, grain: int) -> None:
    x, y = draw(size)
    program = adder(size, grain, nanoseconds=1e6)
    for threads in (1, 2, 3, 8):
        with whence.threads(threads):
            np.testing.assert_array_equal(program.call(x, y), x + y)


def test_what_is_not_as_said_is_refused_and_the_reason_is_known() -> None:
    program = adder(4)
    x, y = draw(4)
    strange = [y.astype(np.float64), y[:3], y.reshape(2, 2), np.zeros(8, F4)[::2], 1.0, None, y.astype(">f4")]
    for other in [*strange, np.ma.array(y)]:
        assert program.call(x, other) is NotImplemented
        assert program.refusal == ("input", 1)
    assert program.call(x) is NotImplemented
    assert program.refusal == ("arguments", 1)


def test_an_output_that_somebody_holds_is_not_written_again() -> None:
    program = adder(4)
    x, y = draw(4)
    held = [program.call(x * n, y) for n in range(5)]
    views = [program.call(x * n, y)[1:] for n in range(5)]
    for n in range(5):
        np.testing.assert_array_equal(held[n], x * n + y)
        np.testing.assert_array_equal(views[n], (x * n + y)[1:])


def test_outputs_that_were_dropped_are_used_again() -> None:
    program = adder(4)
    x, y = draw(4)
    places = {program.call(x, y).__array_interface__["data"][0] for _ in range(10)}
    assert len(places) == 1


class Pair:
    """Something with slots."""

    __slots__ = ("left", "right")

    def __init__(self) -> None:
        self.left, self.right = object(), np.zeros(3)


def _cell(f: Any) -> Any:
    return f.__closure__[0]


def guarded_things() -> dict[str, tuple[Any, Any, Any]]:
    """For each kind of guard: how it is made, what leaves it as it is, what does not."""
    pair, entries, things = Pair(), {"a": object(), "b": 1.5}, [object(), "x"]
    array, kept = np.arange(5.0), []

    def f(x: int = 3, *, y: int = 4) -> Any:
        return pair

    def swap() -> None:
        entries["c"] = entries.pop("a")

    return {
        "a slot": (lambda g: g.slot(pair, "left"), lambda: pair.left, lambda: setattr(pair, "left", 0)),
        "an entry": (
            lambda g: g.item(entries, "b"),
            lambda: entries.update(d=1),
            lambda: entries.update(b=2.5),
        ),
        "a missing entry": (lambda g: g.item(entries, "b"), entries.copy, lambda: entries.pop("b")),
        "a dict": (lambda g: g.contents(entries), entries.copy, lambda: entries.update(d=1)),
        "a shorter dict": (lambda g: g.contents(entries), entries.copy, lambda: entries.pop("a")),
        "another key": (lambda g: g.contents(entries), entries.copy, swap),
        "a list": (lambda g: g.contents(things), things.copy, lambda: things.__setitem__(1, "y")),
        "a longer list": (lambda g: g.contents(things), things.copy, lambda: things.append(1)),
        "elements": (lambda g: g.elements(array), lambda: array + 1, lambda: array.__setitem__(4, 7.0)),
        "a closure's cell": (
            lambda g: g.attribute(_cell(f), None),
            f,
            lambda: setattr(_cell(f), "cell_contents", 1),
        ),
        "defaults": (lambda g: g.attribute(f, "__defaults__"), f, lambda: setattr(f, "__defaults__", (5,))),
        "keyword defaults": (
            lambda g: g.attribute(f, "__kwdefaults__"),
            f,
            lambda: setattr(f, "__kwdefaults__", None),
        ),
        "an array of one's own": (
            lambda g: g.alone(pair.right),
            lambda: pair.right.sum(),
            lambda: kept.append(pair.right),
        ),
        "a view of it": (lambda g: g.alone(pair.right), f, lambda: kept.append(pair.right[1:])),
        "a weak reference": (lambda g: g.alone(pair.right), f, lambda: kept.append(weakref.ref(pair.right))),
        "written": (
            lambda g: g.alone(pair.right),
            f,
            lambda: pair.right.setflags(write=False),
        ),
        "an object of one's own": (lambda g: g.alone(pair.left), f, lambda: kept.append(pair.left)),
    }


@pytest.mark.parametrize("name", guarded_things())
def test_what_stood_somewhere_must_stand_there(name: str) -> None:
    make, same, change = guarded_things()[name]
    guards = Guards()
    make(guards)
    program = adder(4, guards=guards)
    x, y = draw(4)
    np.testing.assert_array_equal(program.call(x, y), x + y)
    same()
    np.testing.assert_array_equal(program.call(x, y), x + y)
    change()
    assert program.call(x, y) is NotImplemented
    assert program.refusal == ("guard", len(guards.rows) - 1)


def test_what_native_code_cannot_look_at_is_refused() -> None:
    class Plain:
        x = 1

    for make in (
        lambda g: g.contents({1, 2}),
        lambda g: g.attribute(Plain(), "x"),
        lambda g: g.elements(np.zeros((3, 4))[:, ::2]),
    ):
        with pytest.raises(TypeError):
            make(Guards())


@pytest.mark.parametrize("nanoseconds", [0, 1e6])
def test_an_exception_in_a_step_of_python_stops_the_program(nanoseconds: float) -> None:
    seen: list[int] = []

    def step(number: int) -> None:
        seen.append(number)
        if number == 2:
            raise ValueError("no more")

    program = Program([Step(step, (n,), f"step {n}") for n in range(5)], nanoseconds=nanoseconds)
    for _ in range(2):
        with pytest.raises(ValueError, match="no more"):
            program.call()
        assert program.stopped is not None and program.stopped.name == "step 2"
    assert seen == [0, 1, 2] * 2


def test_a_program_within_itself_is_refused() -> None:
    answers: list[Any] = []
    program = Program([Step(lambda: answers.append(program.call()))])
    assert program.call() == ()
    assert answers == [NotImplemented]
    assert program.refusal.kind == "busy"


def test_many_python_threads_at_once() -> None:
    size, errors = 20_000, []

    def hammer(seed: int) -> None:
        x, y = draw(size)
        program = adder(size, 100, 4, nanoseconds=1e6)
        for n in range(100):
            if not np.array_equal(program.call(x, y), x + y):
                errors.append((seed, n))

    threads = [threading.Thread(target=hammer, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_control_c_ends_a_long_program() -> None:
    # A shell gives its background jobs a SIGINT that does nothing.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    program = adder(1000, times=20_000_000 // 1000, nanoseconds=1e9)
    long = Program(program.launches * 200, 3, fixed=dict(enumerate(np.zeros((3, 1000), F4))), nanoseconds=1e9)
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.2, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(100):
            long.call()
    assert time.monotonic() - began < 30
    timer.join()
    signal.signal(signal.SIGINT, before)


STORY = """
import os, sys, threading, numpy as np, whence
from tests.compiler.test_native import adder, draw
x, y = draw(50_000)
program = adder(50_000, 100, nanoseconds=1e6)
with whence.threads(2):
    assert np.array_equal(program.call(x, y), x + y)
    """


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    "end",
    [
        # a child makes its own pool; so does the child's child
        "child = os.fork()\n    if not child:\n        ok = np.array_equal(program.call(x, y), x + y)\n"
        "        os._exit(0 if ok else 1)\n    assert os.waitpid(child, 0)[1] == 0",
        # the end of the process while workers spin
        "sys.exit(0)",
        # ... and while another thread is inside
        "threading.Thread(target=lambda: [program.call(x, y) for _ in iter(int, 1)], daemon=True).start()",
    ],
    ids=["fork", "exit", "daemon"],
)
def test_forks_and_ends(end: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", "-c", STORY + end],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("turned", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_products(dtype: type, turned: tuple[int, int]) -> None:
    kind = np.dtype(dtype)
    random = np.random.default_rng(0)
    a, b = random.normal(size=(3, 4, 5)).astype(kind), random.normal(size=(3, 5, 6)).astype(kind)
    stored = [np.ascontiguousarray(m.mT) if t else m for m, t in zip((a, b), turned, strict=True)]
    c = np.ones((3, 4, 6), kind)
    words = (
        *(blas.product(kind), At(0), At(1), At(2), 4, 6, 5),
        *(m.shape[2] for m in (*stored, c)),
        *(m.strides[0] for m in (*stored, c)),
        *turned,
        *(blas.bits(2.0, kind), blas.bits(1.0, kind)),
    )
    program = Program(
        [Launch(engine().kernel("whence_gemm"), words, 3, 1)], 3, fixed={0: stored[0], 1: stored[1], 2: c}
    )
    with blas.one_thread():
        program.call()
    np.testing.assert_allclose(c, 2 * (a @ b) + 1, rtol=1e-4)


def test_fill_and_copy() -> None:
    x, z = np.arange(10.0), np.ones(10)
    program = Program(
        [Launch(engine().copy, (At(1), At(0), 8), 10, 1), Launch(engine().zero, (At(1, 32), 8), 3)],
        2,
        fixed={0: x, 1: z},
    )
    program.call()
    np.testing.assert_array_equal(z, [0, 1, 2, 3, 0, 0, 0, 7, 8, 9])


def test_threads_is_a_scope() -> None:
    usual = whence.threads()
    with whence.threads(3):
        assert whence.threads() == 3
    assert whence.threads() == usual
    for wrong in (0, -1, 1.5, True, "2"):
        with pytest.raises(whence.WhenceError, match="not a number of threads"):
            whence.threads(wrong)  # type: ignore[call-overload]
