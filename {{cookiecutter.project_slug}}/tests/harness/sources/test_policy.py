import pytest
from pydantic import SecretStr

from harness.errors import PolicyViolation
from harness.settings import Settings
from harness.sources.policy import Policy
from harness.sources.resources import SourceConnections


async def test_a_policy_that_names_nothing_allows_nothing() -> None:
    connectors = SourceConnections(Settings(use_fake_data=False))
    outside = connectors.for_policy(Policy(), None)
    with pytest.raises(PolicyViolation, match="this host is outside the policy"):
        await outside.http.get_xml("https://api.example.com/feed")
    with pytest.raises(PolicyViolation, match="name a folder"):
        outside.files.names()
    with pytest.raises(PolicyViolation, match="name a database"):
        await outside.tables.rows("SELECT 1")
    await connectors.aclose()


def test_what_a_policy_holds_in_secret_is_not_shown() -> None:
    keys = {"api.example.com": {"X-Key": SecretStr("planted")}}
    policy = Policy(keys=keys, database="postgresql://reader:hunter2@db/prices")
    assert "planted" not in repr(policy)
    assert "hunter2" not in repr(policy)
