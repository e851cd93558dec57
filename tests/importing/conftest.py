"""Fixtures of import and export: agencies with a database and the files that they exchange."""

import pytest
from support.importing import Agency


@pytest.fixture
def agency(tmp_path):
    return Agency(tmp_path)


@pytest.fixture
def other(tmp_path):
    """An agency without clients."""
    (tmp_path / "other").mkdir()
    return Agency(tmp_path / "other")
