import sys

import pytest

from harness.errors import ConfigurationError
from harness.settings import Settings
from harness.storage.checkpoints import Checkpoints


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory://", "memory"),
        ("sqlite:///var/threads.sqlite", "sqlite"),
        ("postgresql://someone@localhost/threads", "postgresql"),
    ],
)
def test_the_address_chooses_the_store(url: str, kind: str) -> None:
    assert Checkpoints.open(Settings(database_url=url)).kind == kind


def test_a_driver_that_is_not_installed_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "harness.storage.postgres", raising=False)
    monkeypatch.delitem(sys.modules, "harness.storage.advisory", raising=False)
    with pytest.raises(ConfigurationError, match=r"DATABASE_URL: install the extra \[postgres\]"):
        Checkpoints.open(Settings(database_url="postgresql://someone@localhost/threads"))
