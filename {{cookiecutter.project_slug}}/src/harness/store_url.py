"""The three forms of DATABASE_URL. Without a password in any error: a refusal never shows it."""

import re
from typing import Final


class StoreURL:
    """What names a store of threads."""

    MEMORY: Final = "memory://"
    SQLITE: Final = "sqlite:///"
    POSTGRESQL: Final = "postgresql://"

    FORM: Final = re.compile(
        rf"{MEMORY}|{SQLITE}.+"
        # User and password without @ / ? # as they are: every reader finds the same host.
        rf"|{POSTGRESQL}(?:[^\s@/?#]+@)?[\w.,:\[\]-]*/[\w.%-]+(?:\?[\w=&%.,/:+-]*)?"
    )

    @classmethod
    def check(cls, url: str) -> str:
        """`url`, when it has one of the forms.

        Raises:
            ValueError: It has none.
        """
        if not cls.FORM.fullmatch(url):
            raise ValueError(
                f"must be {cls.SQLITE}path, {cls.POSTGRESQL}user:password@host:port/name with"
                f" special characters percent-encoded, or {cls.MEMORY}"
            )
        return url
