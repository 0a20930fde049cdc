"""This service's own settings, beside those of the harness and of each agent."""

from typing import ClassVar

from harness import Settings


class ServiceSettings(Settings):
    """Add a field, with a string under it: the command `settings` and the generated pages show it."""

    title: ClassVar = "This service"
