import pytest

from harness.errors import ConfigurationError
from harness.settings import LogFormats, Settings
from harness.telemetry.formats.ecs import ECS
from harness.telemetry.log_format import LogFormat


def test_a_format_is_the_module_of_its_name() -> None:
    assert isinstance(LogFormat.from_settings(Settings(log_format="ecs")), ECS)


@pytest.mark.parametrize("name", LogFormats.BUILT_IN)
def test_the_built_in_formats_need_no_module(name: str) -> None:
    assert LogFormat.from_settings(Settings(log_format=name)) is None


@pytest.mark.parametrize("name", ["xml", "", "ecs.x", "__init__"])
def test_a_format_that_is_not_there_is_refused_and_the_others_are_named(name: str) -> None:
    with pytest.raises(ConfigurationError, match="must be one of auto, json, console, .*ecs"):
        Settings(log_format=name)


async def test_a_format_that_tells_nothing_by_itself_lets_the_service_run() -> None:
    async def never() -> None:
        raise AssertionError

    async with LogFormat(Settings()).reporting(never):
        assert LogFormat(Settings()).line({"event": "e"}) == {"event": "e"}
