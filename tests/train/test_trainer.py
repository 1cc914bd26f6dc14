"""Training: what it learns, what it shows, what it refuses."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

import whence
from whence import nn, optim
from whence.data import DataLoader, TensorDataset
from whence.errors import DataError, DtypeError, NonFiniteError, SettingError, ShapeError, WhenceError
from whence.nn import functional as F
from whence.random import Stream
from whence.train import Callback, CSVLog, EarlyStopping, Trainer, TrainingWarning

PIXELS, DIGITS = load_digits(return_X_y=True)
PIXELS = (PIXELS / 16).astype(np.float32)
TRAIN, VALID = (PIXELS[:400], DIGITS[:400]), (PIXELS[400:500], DIGITS[400:500])


def mlp(seed: int = 0, dtype: Any = np.float32) -> nn.Sequential:
    stream = Stream(seed)
    first, last = nn.Linear(64, 32, dtype=dtype, stream=stream), nn.Linear(32, 10, dtype=dtype, stream=stream)
    return nn.Sequential(first, np.tanh, last)


def trainer(model: Any = None, **options: Any) -> Trainer:
    model = mlp() if model is None else model
    options = {"metrics": ["accuracy"], "stream": Stream(1)} | options
    return Trainer(model, optim.Adam(model.parameters(), lr=5e-3), F.cross_entropy, **options)


def weights(of: Trainer) -> dict[str, np.ndarray]:
    return of.model.state_dict()


def equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


# --- learning ------------------------------------------------------------------------------------


def test_digits_are_learnt_measured_and_predicted() -> None:
    digits = trainer()
    history = digits.fit(TRAIN, VALID, epochs=15, progress=False)
    assert list(history) == ["loss", "accuracy", "valid_loss", "valid_accuracy", "lr"]
    assert history.epochs == digits.epoch == 15
    assert digits.step == 15 * 13
    assert history["valid_accuracy"][-1] > 0.85
    assert digits.evaluate(VALID) == {
        "loss": pytest.approx(history["valid_loss"][-1], rel=1e-6),
        "accuracy": history["valid_accuracy"][-1],
    }
    scores = digits.predict(VALID[0])
    assert scores.shape == (100, 10)
    assert np.mean(scores.argmax(1) == VALID[1]) == pytest.approx(history["valid_accuracy"][-1])


def test_arrays_a_dataset_and_a_loader_are_the_same_to_it() -> None:
    seed = int(Stream(1).integers(0, 1 << 62))
    data = TensorDataset(*TRAIN)
    results = []
    for given in (TRAIN, data, DataLoader(data, batch_size=32, shuffle=True, seed=seed)):
        run = trainer()
        run.fit(given, epochs=2, progress=False)
        results.append(weights(run))
    assert equal(results[0], results[1])
    assert equal(results[0], results[2])


def test_figures_are_of_samples_not_of_batches() -> None:
    """The last batch is smaller than the others, and counts for less."""
    run = trainer()
    small = run.evaluate((PIXELS[:100], DIGITS[:100]), batch_size=33)
    assert small == pytest.approx(run.evaluate((PIXELS[:100], DIGITS[:100]), batch_size=100), rel=1e-6)


@pytest.mark.parametrize("batch_size", [10, 12])
def test_accumulated_gradients_are_those_of_the_large_batch(batch_size: int) -> None:
    """Batches of 10 (or 12, the last of them 4) three at a time, and whole batches of 30 (or 36)."""
    data = PIXELS[:100].astype(np.float64), DIGITS[:100]
    results = []
    for accumulate in (1, 3):
        run = trainer(mlp(dtype=np.float64), accumulate=accumulate, clip_norm=0.5)
        run.fit(data, epochs=3, batch_size=batch_size * 3 // accumulate, shuffle=False, progress=False)
        assert run.step == 3 * -(-100 // (batch_size * 3))
        results.append(weights(run))
    for name in results[0]:
        np.testing.assert_allclose(results[0][name], results[1][name], rtol=1e-9, atol=1e-12)


def test_several_inputs_and_a_loss_that_is_a_module() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            self.linear = nn.Linear(2, 1, stream=Stream(0))

        def forward(self, a: Any, b: Any) -> Any:
            return self.linear(a) + b

    class Scaled(nn.Module):
        def forward(self, output: Any, target: Any) -> Any:
            return F.mse_loss(output, target) * 2

    model = Sum()
    run = Trainer(model, optim.SGD(model.parameters(), lr=0.1), Scaled(), ["mse"], stream=Stream(0))
    a, b = np.ones((8, 2), np.float32), np.ones((8, 1), np.float32)
    history = run.fit((a, b, 3 * b), epochs=3, batch_size=4, progress=False)
    assert history["loss"][-1] == pytest.approx(2 * history["mse"][-1])
    assert run.predict((a, b)).shape == (8, 1)


def test_schedules_step_by_epoch_or_by_update() -> None:
    for by, factor in (("epoch", 0.5**2), ("step", 0.5**26)):
        model = mlp()
        optimizer = optim.SGD(model.parameters(), lr=1.0)
        schedule = optim.schedule.ExponentialLR(optimizer, gamma=0.5)
        run = Trainer(model, optimizer, F.cross_entropy, schedule=schedule, schedule_by=by, stream=Stream(0))
        run.fit(TRAIN, epochs=2, progress=False)
        assert optimizer.param_groups[0]["lr"] == pytest.approx(factor)
    assert len(run.history["lr"]) == 2


@pytest.mark.parametrize(("by", "factor"), [("valid_constant", 0.1**2), ("epoch", 1.0)])
def test_a_plateau_schedule_looks_at_a_figure(by: str, factor: float) -> None:
    def constant(output: Any, target: Any) -> float:
        return 1.0

    model = mlp()
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    schedule = optim.schedule.ReduceLROnPlateau(optimizer, patience=0)
    run = Trainer(
        model, optimizer, F.cross_entropy, [constant], schedule=schedule, schedule_by=by, stream=Stream(0)
    )
    run.fit(TRAIN, VALID, epochs=3, progress=False)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01 * factor)


def test_evaluation_leaves_modes_as_they_were() -> None:
    model = nn.Sequential(
        nn.Linear(64, 8, stream=Stream(0)), nn.Dropout(0.5), nn.Linear(8, 10, stream=Stream(1))
    )
    model[1].eval()
    run = trainer(model)
    one = run.evaluate(VALID)
    assert run.evaluate(VALID) == one
    assert (model.training, model[1].training) == (True, False)


def test_fit_again_goes_on() -> None:
    run = trainer()
    run.fit(TRAIN, epochs=2, progress=False)
    history = run.fit(TRAIN, epochs=1, progress=False)
    assert history.epochs == run.epoch == 3


# --- stopping, watching --------------------------------------------------------------------------


def test_early_stopping_goes_back_to_the_best_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    losses = iter([5.0, 3.0, 4.0, 3.0, 3.5, 1.0])
    seen = []

    def planned(output: Any, target: Any) -> float:
        return float(next(losses))

    run = trainer(metrics=[planned])
    whole = DataLoader(TensorDataset(*TRAIN), batch_size=400)
    stopping = EarlyStopping(3, monitor="planned")
    history = run.fit(
        whole, epochs=6, early_stopping=stopping, callbacks=[lambda t, _: seen.append(weights(t))]
    )
    assert history["planned"] == [5.0, 3.0, 4.0, 3.0, 3.5]
    assert (stopping.epoch, stopping.value) == (2, 3.0)
    assert equal(weights(run), seen[1])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "stopped: planned has not improved for 3 epochs (best 3 at epoch 2)"


@pytest.mark.parametrize(
    ("mode", "min_delta", "best"), [("min", 0.0, 4), ("max", 0.0, 2), ("min", 0.5, 1), (None, 0.0, 4)]
)
def test_what_counts_as_better(mode: str | None, min_delta: float, best: int) -> None:
    stopping = EarlyStopping(10, "loss", mode, min_delta)
    run = trainer()
    for epoch, loss in enumerate([1.0, 1.2, float("nan"), 0.9], start=1):
        run._at.epoch = epoch
        stopping.on_epoch_end(run, {"loss": loss})
    assert stopping.epoch == best


def test_the_best_model_comes_back_on_request() -> None:
    run = trainer()
    seen: list[Any] = []
    history = run.fit(
        TRAIN, VALID, epochs=4, restore_best=True, monitor="valid_accuracy", progress=False,
        callbacks=[lambda t, _: seen.append(weights(t))],
    )  # fmt: skip
    best = int(np.argmax(history["valid_accuracy"]))
    assert run.best is not None
    assert run.best.epoch == best + 1
    assert equal(weights(run), seen[best])


def test_callbacks_are_called_at_their_turning_points(tmp_path: Path) -> None:
    events: list[str] = []

    class Diary(Callback):
        def on_fit_begin(self, trainer: Any) -> None:
            events.append("fit")

        def on_epoch_begin(self, trainer: Any) -> None:
            events.append("epoch")

        def on_step_end(self, trainer: Any, loss: float) -> None:
            events.append(f"step {trainer.step}")

        def on_epoch_end(self, trainer: Any, figures: Any) -> None:
            events.append("end")
            if trainer.epoch == 2:
                trainer.stop("enough")

        def on_fit_end(self, trainer: Any) -> None:
            events.append("over")

    run = trainer()
    log = tmp_path / "deep" / "log.csv"
    run.fit(TRAIN, epochs=5, batch_size=200, callbacks=[Diary(), CSVLog(log)], progress=False)
    assert " ".join(events) == "fit epoch step 1 step 2 end epoch step 3 step 4 end over"
    assert [line.split(",")[0] for line in log.read_text().splitlines()] == ["epoch", "1", "2"]


def test_plain_text_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    run = trainer()
    run.fit(TRAIN, VALID, epochs=2)
    run.fit(TRAIN, epochs=8)
    text = capsys.readouterr().out
    shape = re.sub(r"\d+\.\d s", "T s", re.sub(r"\d\.\d{4}", "#", text))
    figures = "loss #   accuracy #"
    assert shape.splitlines() == [
        f"epoch 1/2   {figures}   valid_loss #   valid_accuracy #   T s",
        f"epoch 2/2   {figures}   valid_loss #   valid_accuracy #   T s",
        *(f"epoch {epoch:>2}/10   {figures}   T s" for epoch in range(3, 11)),
    ]


def test_silence(capsys: pytest.CaptureFixture[str]) -> None:
    trainer().fit(TRAIN, epochs=1, progress=False)
    assert capsys.readouterr().out == ""


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((PIXELS[:0], DIGITS[:0]), r"train: there is nothing in it"),
        (
            (PIXELS[:5], DIGITS[:4]),
            r"train: arrays of different lengths: \(5, 64\), \(4,\).*test_trainer.py:\d+",
        ),
        ((PIXELS[:5],), r"train: arrays come as \(x, t\)"),
        (PIXELS[:5], r"train: a ndarray has no batches"),
        (DataLoader(TensorDataset(PIXELS[:5]), batch_size=2), r"a batch is \(input, target\)"),
        ((PIXELS[:5, :60], DIGITS[:5]), r"Linear\(64, 32\) got x of shape \(5, 60\)"),
        ((PIXELS[:5], DIGITS[:5] + 6), r"label"),
    ],
)
def test_bad_data_is_refused_and_nothing_changes(data: Any, message: str) -> None:
    run = trainer()
    before = weights(run)
    with pytest.raises((WhenceError, IndexError), match=message):
        run.fit(data, epochs=1, progress=False)
    assert equal(weights(run), before)
    assert run.step == 0
    assert all(p.grad is None for p in run.model.parameters())


def test_a_loss_that_is_no_number() -> None:
    model = mlp()
    run = Trainer(model, optim.SGD(model.parameters(), lr=0.1), lambda y, t: y)
    with pytest.raises(ShapeError, match=r"the loss has shape \(32, 10\)"):
        run.fit(TRAIN, epochs=1, progress=False)
    run = Trainer(model, optim.SGD(model.parameters(), lr=0.1), lambda y, t: 1.0)
    with pytest.raises(WhenceError, match="the loss does not depend on the parameters"):
        run.fit(TRAIN, epochs=1, progress=False)


def test_a_loss_that_is_nothing_or_no_real_number() -> None:
    for loss, error, text in (
        (lambda y, t: None, DataError, r"the loss function returned None(.|\n)*return the loss"),
        (lambda y, t: "low", DtypeError, r"the loss is a str, but it has to be one real number"),
        (lambda y, t: np.sum(y) * 1j, DtypeError, r"the loss is a complex\d+, but"),
    ):
        model = mlp()
        run = Trainer(model, optim.SGD(model.parameters(), lr=0.1), loss)
        with pytest.raises(error, match=text):
            run.fit(TRAIN, epochs=1, progress=False)
        with pytest.raises(error, match=text):
            run.evaluate(TRAIN)


def test_an_optimiser_of_another_model_is_refused() -> None:
    model, other = mlp(), mlp()
    with pytest.raises(SettingError, match=r"none of the model's parameters(.|\n)*test_trainer(.|\n)*SGD\("):
        Trainer(model, optim.SGD(other.parameters(), lr=0.1), F.cross_entropy)


def test_frozen_parameters_are_left_out_and_nothing_to_train_is_refused() -> None:
    model = mlp()
    model[0].requires_grad_(False)
    part = Trainer(model, optim.SGD(model[2].parameters(), lr=0.1), F.cross_entropy)
    part.fit(TRAIN, epochs=1, progress=False)  # no warning: what is frozen is meant to stay
    run = trainer(model.requires_grad_(False))
    with pytest.raises(SettingError, match=r"all parameters of the optimiser are frozen"):
        run.fit(TRAIN, epochs=1, progress=False)
    model.requires_grad_(True)
    run.fit(TRAIN, epochs=1, progress=False)
    assert run.epoch == 1


def test_parameters_that_nobody_moves_are_named_once() -> None:
    model = mlp()
    run = Trainer(model, optim.SGD(model[2].parameters(), lr=0.1), F.cross_entropy)
    with pytest.warns(TrainingWarning, match=r"does not have model.0.weight, model.0.bias: they keep"):
        run.fit(TRAIN, epochs=1, progress=False)
    run.fit(TRAIN, epochs=1, progress=False)


# --- L-BFGS --------------------------------------------------------------------------------------


def searching(model: Any, **options: Any) -> optim.LBFGS:
    return optim.LBFGS(model.parameters(), **{"line_search_fn": "strong_wolfe", "max_iter": 6} | options)


@pytest.mark.parametrize("line_search", [None, "strong_wolfe"])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_lbfgs_takes_the_steps_of_a_loop_by_hand(accumulate: int, line_search: str | None) -> None:
    x, t = PIXELS[:90].astype(np.float64), DIGITS[:90]
    run_model, model = mlp(dtype=np.float64), mlp(dtype=np.float64)
    optimizer = searching(run_model, line_search_fn=line_search, lr=0.3)
    run = Trainer(run_model, optimizer, F.cross_entropy, accumulate=accumulate)
    run.fit((x, t), epochs=2, batch_size=30, shuffle=False, progress=False)
    by_hand, size = searching(model, line_search_fn=line_search, lr=0.3), 30 * accumulate
    for start in [*range(0, 90, size)] * 2:

        def closure(part: slice = slice(start, start + size)) -> Any:
            by_hand.zero_grad()
            loss = F.cross_entropy(model(x[part]), t[part])
            loss.backward()
            return loss

        by_hand.step(closure)
    for p, q in zip(run_model.parameters(), model.parameters(), strict=True):
        np.testing.assert_allclose(p._data, q._data, rtol=1e-6, atol=1e-9)
    if line_search is not None:
        assert run.history["loss"][-1] < run.history["loss"][0]


def test_lbfgs_sees_one_function_however_often_it_looks() -> None:
    """Dropout takes the same numbers at each evaluation, and batch norm counts a batch once."""
    seen: list[float] = []

    class Watched(nn.Module):
        def forward(self, output: Any, target: Any) -> Any:
            loss = F.cross_entropy(output, target)
            seen.append(float(loss))
            return loss

    model = nn.Sequential(
        nn.Linear(64, 10, stream=Stream(0)), nn.BatchNorm1d(10), nn.Dropout(0.3, stream=Stream(1))
    )
    tiny: dict[str, Any] = {"max_iter": 3, "lr": 1e-6, "line_search_fn": None, "tolerance_change": 0.0}
    run = Trainer(model, searching(model, **tiny), Watched())
    run.fit(TRAIN, epochs=1, batch_size=400, progress=False)
    assert len(seen) == 3
    np.testing.assert_allclose(seen, seen[0], rtol=1e-4)
    assert int(model[1].num_batches_tracked) == 1


def test_lbfgs_goes_on_bit_for_bit(tmp_path: Path) -> None:
    def run(epochs: int, folder: str) -> Trainer:
        model = mlp()
        run = Trainer(model, searching(model), F.cross_entropy, stream=Stream(1))
        run.fit(TRAIN, epochs=epochs, batch_size=100, checkpoint=tmp_path / folder, progress=False)
        return run

    whole = run(3, "whole")
    run(1, "parts")
    assert equal(weights(run(3, "parts")), weights(whole))


def test_lbfgs_does_not_keep_a_step_that_came_to_nothing() -> None:
    model = mlp()
    before, calls = weights(trainer(model)), 0

    def loss(output: Any, target: Any) -> Any:
        nonlocal calls
        calls += 1
        return F.cross_entropy(output, target) * (np.nan if calls > 2 else 1.0)

    run = Trainer(model, searching(model, line_search_fn=None), loss)
    with pytest.raises(NonFiniteError, match=r"nan within a step of LBFGS\n  in epoch 1, batch 1, after 0"):
        run.fit(TRAIN, epochs=1, progress=False)
    assert equal(weights(run), before)
    assert run.optimizer.state_dict()["state"] == {0: {"func_evals": 0, "n_iter": 0}}
    with pytest.raises(SettingError, match=r"leave clip_norm out"):
        Trainer(model, searching(model), F.cross_entropy, clip_norm=1.0)


def test_compiled_steps_train_as_eager_ones_do() -> None:
    runs = []
    for compile in (False, True):
        whence.random.seed(0)
        model = nn.Sequential(
            nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 10)
        )
        optimizer = optim.SGD(model.parameters(), lr=1e-2, momentum=0.9)
        schedule = optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
        run = Trainer(model, optimizer, F.cross_entropy, ["accuracy"], schedule, accumulate=2, clip_norm=1.0,
                      stream=whence.random.Stream(3), compile=compile)  # fmt: skip
        run.fit(TRAIN, epochs=2, progress=False)
        runs.append(run)
    eager, compiled = runs
    np.testing.assert_allclose(compiled.history["loss"], eager.history["loss"], rtol=1e-5)
    for name, value in eager.model.state_dict().items():
        np.testing.assert_allclose(compiled.model.state_dict()[name], value, rtol=1e-3, atol=1e-4)


def test_a_compiled_step_that_fails_names_its_origin() -> None:
    model = nn.Linear(64, 10)

    def loss(output, target):
        return F.cross_entropy(np.log(output), target)

    run = Trainer(model, optim.SGD(model.parameters()), loss, compile=True)
    before = weights(run)
    with pytest.raises(NonFiniteError, match=r"np\.log"):
        run.fit(TRAIN, epochs=1, progress=False)
    assert equal(weights(run), before)
    with pytest.raises(SettingError, match="leave compile out"):
        Trainer(model, searching(model), F.cross_entropy, compile=True)


def test_settings_that_make_no_sense() -> None:
    with pytest.raises(WhenceError, match="accumulate counts from 1"):
        trainer(accumulate=0)
    with pytest.raises(WhenceError, match="schedule_by='batch' does not go with NoneType"):
        trainer(schedule_by="batch")
    with pytest.raises(WhenceError, match=r"metrics=\['accuracy'\]"):
        trainer(metrics="accuracy")
    with pytest.raises(WhenceError, match="patience is at least one"):
        EarlyStopping(0)
    with pytest.raises(
        WhenceError, match=r"no figure 'valid_loss' to monitor\n  → one of loss, accuracy, lr"
    ):
        trainer().fit(TRAIN, epochs=1, early_stopping=EarlyStopping(monitor="valid_loss"), progress=False)


def test_nothing_to_predict() -> None:
    with pytest.raises(WhenceError, match=r"nothing to predict: x has shape \(0, 64\)"):
        trainer().predict(PIXELS[:0])


# --- NaN -----------------------------------------------------------------------------------------


class Logarithm(nn.Module):
    """Its output is log of something that may be negative."""

    def __init__(self) -> None:
        self.linear = nn.Linear(2, 1, stream=Stream(3))
        self.seen = nn.Buffer(np.zeros(()))
        self.drop = nn.Dropout(0.5, stream=Stream(4))

    def forward(self, x: Any) -> Any:
        self.seen.assign(self.seen.data + 1)
        return np.log(self.drop(self.linear(x)) ** 2 + x[:, :1])


def poisoned(where: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.abs(np.random.default_rng(0).normal(size=(20, 2))).astype(np.float32) + 1
    x[where] = -1e4
    return x, np.ones((20, 1), np.float32)


def test_a_nan_stops_the_training_and_is_named() -> None:
    model = Logarithm()
    run = Trainer(model, optim.SGD(model.parameters(), lr=1e-3), F.mse_loss)
    kept: list[Any] = [weights(run)]

    class Keep(Callback):
        def on_step_end(self, trainer: Any, loss: float) -> None:
            kept.append((weights(trainer), model.drop.stream.state))

    with pytest.raises(whence.errors.NonFiniteError) as caught:
        run.fit(poisoned(13), epochs=2, batch_size=4, shuffle=False, callbacks=[Keep()], progress=False)
    text = str(caught.value)
    assert re.search(
        r"the loss is nan; the first NaN appears in np.log, forward, at .*test_trainer.py:\d+", text
    )
    assert "return np.log(self.drop(self.linear(x)) ** 2 + x[:, :1])" in text
    assert "in epoch 1, batch 4, after 3 updates" in text
    assert equal(weights(run), kept[-1][0])  # buffers too
    assert model.drop.stream.state == kept[-1][1]
    assert all(p.grad is None for p in model.parameters())


def test_a_gradient_that_is_not_finite_is_named_before_the_parameters_are_lost() -> None:
    class Root(nn.Module):
        def __init__(self) -> None:
            self.w = nn.Parameter(np.array([0.0, 2.0]))

        def forward(self, x: Any) -> Any:
            return np.sqrt(x * self.w)

    model = Root()
    run = Trainer(model, optim.SGD(model.parameters(), lr=0.1), lambda y, t: np.mean(y))
    with pytest.raises(
        whence.errors.NonFiniteError, match=r"gradient is not finite; the first .* in np.sqrt, backward"
    ):
        run.fit((np.ones((2, 2)), np.zeros(2)), epochs=1, progress=False)
    np.testing.assert_array_equal(model.w.data, [0.0, 2.0])


def test_a_list_of_batches_is_not_taken_for_arrays() -> None:
    x = np.ones((4, 3), np.float32)
    model = nn.Linear(3, 3)
    before = model.state_dict()
    with pytest.raises(DataError, match="DataLoader"):
        Trainer(model, optim.SGD(model.parameters(), lr=0.1), F.mse_loss).fit(
            [(x[:2], x[:2]), (x[2:], x[2:])], epochs=1, progress=False
        )
    np.testing.assert_array_equal(model.weight.data, before["weight"])
