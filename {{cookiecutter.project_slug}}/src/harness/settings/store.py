"""Where conversations are kept, and how long."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from ..configuration import Configuration
from ..store_url import StoreURL


class StoreSettings(Configuration):
    """Where conversations are kept, and how long."""

    title: ClassVar = "Store"

    database_url: Annotated[str, AfterValidator(StoreURL.check)] = Field(
        default="sqlite:///var/threads.sqlite", repr=False
    )
    """Where threads are kept: `sqlite:///path/to/file`, `postgresql://user@host:5432/name` (the
    password behind the user and a colon, percent-encoded) or `memory://` (lost at restart)."""

    database_pool_size: int = Field(default=10, ge=1, le=200)
    """Connections to PostgreSQL of one process, and one more for its locks. The server's own
    limit is 100 for all (max_connections)."""

    database_timeout_seconds: float = Field(default=3, gt=0, le=60)
    """Longest wait for the store, seconds; beyond it a turn is answered without being saved."""

    turn_wait_seconds: float = Field(default=10, ge=0, le=120)
    """Longest wait for the turn before in the same thread, seconds; beyond it the answer is 409."""

    idempotency_ttl_seconds: int = Field(default=24 * 3600, ge=1, le=30 * 24 * 3600)
    """How long the reply to an Idempotency-Key is kept for a second try, seconds."""

    approval_ttl_seconds: int = Field(default=24 * 3600, ge=1, le=30 * 24 * 3600)
    """How long a call that writes waits for a person's approval, seconds; then it is not done. A
    working day, so that who may approve need not sit there; guess."""

    feedback_comment_max_chars: int = Field(default=1000, ge=0, le=10_000)
    """Longest comment of a rating, characters."""

    retention_days: int = Field(default=90, ge=1, le=36500)
    """Days after its last turn from which on the command `retention` deletes a thread."""
