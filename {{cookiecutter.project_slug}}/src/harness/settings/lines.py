"""Settings that come together as one variable, where a host takes no file."""

import os


class SettingsLines:
    """The lines `NAME=value` of the variable SETTINGS, as ECS reads a file of them."""

    @staticmethod
    def spread() -> None:
        """Make a variable of each, before any settings are read; what is set otherwise wins."""
        for line in os.environ.get("SETTINGS", "").splitlines():
            name, _, value = line.strip().partition("=")
            if value and not name.startswith("#") and not os.environ.get(name):
                os.environ[name] = value
