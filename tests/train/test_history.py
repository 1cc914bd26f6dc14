"""The history as a table, and as a picture."""

from pathlib import Path

import numpy as np
import pytest

from whence.errors import WhenceError
from whence.train import History


def two_epochs() -> History:
    history = History()
    history.add({"loss": 0.7, "valid_loss": 0.75})
    history.add({"loss": 0.5, "valid_loss": 0.625, "accuracy": 0.5})
    return history


def test_lists_are_of_one_length() -> None:
    history = two_epochs()
    assert history.epochs == 2
    np.testing.assert_equal(
        dict(history), {"loss": [0.7, 0.5], "valid_loss": [0.75, 0.625], "accuracy": [np.nan, 0.5]}
    )


def test_a_table(tmp_path: Path) -> None:
    two_epochs().to_csv(tmp_path / "history.csv")
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines == ["epoch,loss,valid_loss,accuracy", "1,0.7,0.75,", "2,0.5,0.625,0.5"]


@pytest.mark.parametrize("figures", range(1, 8))
def test_a_picture(tmp_path: Path, figures: int) -> None:
    history = History()
    for epoch in range(1, 21):
        history.add(
            {f"figure_{i}": 1 / epoch for i in range(figures)} | {"valid_figure_0": 2 / epoch, "lr": 0.1}
        )
    path = history.plot(tmp_path / "pictures" / "curve.png")
    picture = path.read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20], "big") >= 800  # pixels wide


def test_a_picture_of_one_epoch_and_of_nan(tmp_path: Path) -> None:
    history = History()
    history.add({"loss": 1.0, "valid_loss": float("nan")})
    assert history.plot(tmp_path / "one.svg").read_text().startswith("<?xml")


def test_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(WhenceError, match="nothing to draw yet"):
        History().plot(tmp_path / "none.png")
