"""A reply is complete and documented."""

from harness.runtime.reply import Reply


def test_the_schema_describes_what_a_caller_must_know() -> None:
    fields = Reply.model_json_schema()["properties"]
    for name in ("answer", "degraded", "degraded_because", "notices", "thread_id", "run_id"):
        assert len(fields[name]["description"]) > 20
