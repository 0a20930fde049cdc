from harness.settings import Settings
from harness.telemetry.formats.ecs import ECS

PRODUCTION = Settings(environment="production", use_fake_data=False, authentication="keys", api_keys_file=__file__)

LINE = {
    "event": "request",
    "timestamp": "2026-01-01T00:00:00Z",
    "level": "info",
    "logger": "harness.http.middleware",
    "status": 200,
    "ms": 1.5,
    "agent": "weather",
}


def test_a_line_has_the_names_of_the_schema_and_keeps_the_rest_apart() -> None:
    told = ECS(PRODUCTION).line(LINE)
    assert told["@timestamp"] == LINE["timestamp"]
    assert told["message"] == told["event.action"] == "request"
    assert told["event.duration"] == 1_500_000
    assert told["http.response.status_code"] == 200
    assert told["app.agent"] == "weather"  # the schema's `agent` is who ships the line
    assert told["service.environment"] == "production"
    assert {"event", "level", "ms", "status", "agent"}.isdisjoint(told)


def test_a_status_that_is_a_word_is_no_status_of_http() -> None:
    told = ECS(PRODUCTION).line({"event": "agent_finished", "status": "answered"})
    assert told["app.status"] == "answered"
    assert "http.response.status_code" not in told


def test_an_exception_is_an_error_with_its_trace() -> None:
    exception = [{"exc_type": "KeyError", "exc_value": "'x'", "frames": [{"lineno": 3}]}]
    told = ECS(PRODUCTION).line({"event": "agent_failed", "exception": exception})
    assert (told["error.type"], told["error.message"]) == ("KeyError", "'x'")
    assert "lineno" in told["error.stack_trace"]
    assert ECS(PRODUCTION).line({"event": "e", "exception": "text"})["app.exception"] == "text"
