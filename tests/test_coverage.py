"""Every name of the lists is there, and the page that lists them is the one that the registry writes."""

import pytest

from . import coverage


@pytest.mark.filterwarnings("ignore")
def test_no_name_is_missing():
    assert [f"{module}.{name}" for module, name, status in coverage.rows() if status is None] == []


@pytest.mark.filterwarnings("ignore")
def test_the_page_is_up_to_date():
    assert coverage.PAGE.read_text("utf-8") == coverage.page(), "run python -m tests.coverage"
