"""What one message may take, and what a conversation remembers."""

from typing import ClassVar

from pydantic import Field

from ..configuration import Configuration


class RunSettings(Configuration):
    """What one message may take, and what a conversation remembers."""

    title: ClassVar = "Runs"

    request_timeout_seconds: float = Field(default=45, gt=0, le=3600)
    """Wall deadline of one request, seconds: the answer leaves before it, with what is finished.
    Load balancers (nginx, AWS) cut after 60 s."""

    requests_max_running: int = Field(default=64, ge=1, le=10_000)
    """Messages answered at once, of one process; it bounds memory under load."""

    requests_max_waiting: int = Field(default=128, ge=0, le=100_000)
    """Messages that may wait for that; one more gets 503 with Retry-After at once."""

    run_max_model_calls: int = Field(default=16, ge=1, le=500)
    """Model calls of one run, all agents together; beyond it agents answer from their data."""

    run_max_tool_calls: int = Field(default=24, ge=1, le=1000)
    """Tool calls of one run, all agents together; further calls are refused to the models."""

    run_max_tokens: int = Field(default=100_000, ge=100)
    """Size of all model calls of one run, tokens in and out; once used, no further model is called."""

    agent_max_model_calls: int = Field(default=5, ge=1, le=50)
    """Model calls of one agent in one run; beyond it the agent answers from its data."""

    agent_max_tool_calls: int = Field(default=8, ge=1, le=100)
    """Tool calls of one agent in one run; further calls are refused to the model."""

    plan_max_tasks: int = Field(default=4, ge=1, le=20)
    """Tasks that one message may start side by side; more are asked to come one by one."""

    message_max_chars: int = Field(default=4000, ge=1)
    """Longest message, characters."""

    history_turns: int = Field(default=6, ge=0, le=100)
    """Past exchanges that a thread keeps and a model sees: cost per turn stays flat."""

    history_max_tokens: int = Field(default=2000, ge=0)
    """Size of those exchanges, tokens (guessed at 4 characters each); the oldest leave first."""

    answer_cache_ttl_seconds: int = Field(default=3600, ge=0, le=7 * 24 * 3600)
    """How long an agent's answer may stand in when no model answers, seconds; 0: never."""

    answer_cache_max_entries: int = Field(default=1000, ge=1)
    """Answers kept for that, entries; the one that was not asked for longest leaves first."""
