"""What the endpoint for AG-UI can be told."""

from pydantic import Field

from ...configuration import Configuration


class AGUISettings(Configuration):
    """Those of `/v1/agui`."""

    history_body_max_bytes: int = Field(default=1024 * 1024, ge=1024)
    """Largest request body at `/v1/agui`, bytes: clients send the whole conversation each time. Its last message
    alone is read, and held to MESSAGE_MAX_CHARS."""


SETTINGS = AGUISettings
