"""What may come in and go out, and what is written down about it."""

from typing import ClassVar

from ..configuration import Configuration


class GuardSettings(Configuration):
    """What may come in and go out, and what is written down about it."""

    title: ClassVar = "Guards"

    audit_content: bool = False
    """Write the question and the answer into the audit trail too, secrets redacted. Off, it says
    who asked which agents and what the guards decided."""
