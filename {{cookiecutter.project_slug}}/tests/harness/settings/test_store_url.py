import pytest

from harness.errors import ConfigurationError
from harness.settings import Settings


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///",
        "sqlite://x",
        "postgres://x",
        "memory://x",
        "",
        "postgresql://someone@localhost",
        # Not percent-encoded: what stands after the first of these would be taken for the host.
        "postgresql://someone:hunter2@4711@localhost/threads",
        "postgresql://someone:hunter2/4711@localhost/threads",
        "postgresql://someone:hunter2#4711@localhost/threads",
        "postgresql://someone:hunter2?4711@localhost/threads",
    ],
)
def test_a_store_that_does_not_exist_is_refused_and_its_address_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL: must be") as refused:
        Settings(database_url=url)
    assert "4711" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://localhost/threads",
        "postgresql://someone:p%40ss@db.internal:5432/threads?sslmode=require",
        "postgresql://a:b@one:5432,two:5432/threads?target_session_attrs=read-write",
        "postgresql://a@[::1]:5432/threads",
        "postgresql:///threads?host=/run/postgresql",
    ],
)
def test_an_address_of_postgresql_is_accepted(url: str) -> None:
    assert Settings(database_url=url).database_url == url
