"""The guard before a text leaves: no prompt, no secret, nothing active, nobody's address, no invented figure."""

import re
from collections.abc import Iterable
from typing import Any, Final

from .active_content import ActiveContent
from .grounding import Grounding
from .leaks import Leaks


class OutboundGuard:
    """Holds the texts of one turn against what that turn was given."""

    EMAIL: Final = re.compile(
        r"[^\s@<>()\[\],;:\"']{1,64}@[^\s@<>()\[\],;:\"']{1,255}\.[^\W\d_]{2,}"
    )
    """Letters of any script, as in RFC 6531."""

    UNGROUNDED: Final = "ungrounded"
    """The one reason that is about figures; the others are about harm."""

    def __init__(
        self, leaks: Leaks, question: str, found: Iterable[Any], links: Iterable[str] = ()
    ) -> None:
        """Take `question`, what tools `found`, and the `links` of its sources."""
        evidence = [question, *Grounding.texts(found)]
        self._leaks = leaks
        self._grounding = Grounding(evidence)
        self._given = " ".join(evidence).casefold()
        known = set(map(ActiveContent.host, links)) | ActiveContent.hosts_in(self._given)
        self._active = ActiveContent(known - {""})

    def refusal(self, text: str, before: str = "") -> str | None:
        """Why `text` may not leave after `before`, None when it may.

        `ungrounded`, `secret`, `prompt`, `active` or `address`. What is split over `before` and
        `text` is found too.
        """
        whole = before + text
        if leaked := self._leaks.found(whole):
            return leaked
        if self._active.is_in(whole):
            return "active"
        if "@" in whole and any(
            it[0].casefold() not in self._given for it in self.EMAIL.finditer(whole)
        ):
            return "address"
        return self.UNGROUNDED if self._grounding.unsupported(text) else None

    def harmless(self, text: str) -> str:
        """`text` without what is active: for the words of a data source, which no model wrote."""
        return self._active.removed(text)
