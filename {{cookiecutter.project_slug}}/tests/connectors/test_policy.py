import pytest

from app.connectors.outside import Connectors
from app.connectors.policy import Policy
from app.errors import AccessRefused
from app.settings import Settings


async def test_a_policy_that_names_nothing_allows_nothing() -> None:
    connectors = Connectors(Settings(use_fake_data=False))
    outside = connectors.within(Policy(), None)
    with pytest.raises(AccessRefused, match=r"api\.example\.com is outside the policy"):
        await outside.http.get_xml("https://api.example.com/feed")
    with pytest.raises(AccessRefused, match="every file"):
        outside.files.names()
    await connectors.aclose()
