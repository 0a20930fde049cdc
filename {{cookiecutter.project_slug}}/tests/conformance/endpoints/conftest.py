"""Fixtures of other conformance tests, for every endpoint."""

from tests.conformance.test_gullible_agent import world  # noqa: F401  # a fixture
