"""Active content: markup, images, links to strangers, control signs that act where an answer is shown."""

import html
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from ..models.text_form import TextForm


class ActiveContent:
    """Detects it and removes it. Links may lead to `hosts` only: an address can carry data away."""

    MARKUP: Final = re.compile(r"<[A-Za-z/!?][^<>]*>|<(?:script|img|iframe|svg|style|a)\b", re.IGNORECASE)
    SCHEME: Final = re.compile(
        r"""
          \b(?:java|vb)script\s*:\s*\S{0,100}[(=\[`/%]      # runs something
        | [(<"'=:]\s*(?:java|vb)script\s*:                  # where a link begins
        | \bdata:\s?(?:[\w.+-]+/[\w.+-]+\s*[;,]|[;,])        # data:text/html,...
        """,
        re.VERBOSE | re.IGNORECASE,
    )
    """`JavaScript: a language` and `the data: 18` are none."""

    IMAGE: Final = re.compile(r"!\s*\[[^\]]*\]\s*[\[(]")
    LINK: Final = re.compile(
        r"""
          \b(?:https?|ftp|wss?):[/\\]*(?=[\w\[%])[^\s)>\]"']+   # browsers need no slashes
        | (?<=[a-z0-9+.-]):[/\\]{2}[^\s)>\]"']+              # of any other scheme: to no host
        | (?<![:\w])[/\\]{2}[\w-]+(?:\.[\w-]+)+[^\s)>\]"']*   # without a scheme: of the page's own
        | \bwww\.[^\s)>\]"']+
        """,
        re.VERBOSE | re.IGNORECASE,
    )
    """An address with a host, its slashes perhaps turned around."""

    LINKS_NEED: Final = ("//", "\\\\", "/\\", "\\/", "www.", "http", "ftp:", "ws:", "wss:")
    """Every match of LINK has one of these, in lower case."""

    MAX_DEPTH: Final = 8
    """Of markup within markup that is taken apart; deeper, every `<` goes."""

    HARMLESS: Final = re.compile("[\r\u00ad\u061c\u200c\u200e\u200f\u2060\ufeff]")
    """Signs that nobody sees and that people write: line ends, hyphens and joints of words, direction of a letter."""

    UNSEEN_IN_LINKS: Final = re.compile(r"[\t\r\n]+")
    """What browsers leave out of an address (WHATWG URL, section 4.4): `java\\tscript:` runs."""

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._given = hosts

    @cached_property
    def _hosts(self) -> frozenset[str]:
        """Read with the first link: most texts have none."""
        return frozenset(host.lower() for host in self._given)

    @staticmethod
    def host(url: str) -> str:
        """The host of an address; empty when it has none."""
        slashes = url.replace("\\", "/")
        try:
            return (urlsplit(slashes if "//" in slashes else f"//{slashes}").hostname or "").lower()
        except ValueError:
            return ""

    @classmethod
    def hosts_in(cls, text: str) -> set[str]:
        """The hosts of the addresses that `text` names."""
        if not cls._may_hold_links(text.lower()):
            return set()
        return {cls.host(match[0]) for match in cls.LINK.finditer(text)}

    def is_present(self, text: str) -> bool:
        """True when `text` holds any, also once its HTML entities are read."""
        if "&" in text and (plain := html.unescape(text)) != text and self.is_present(plain):
            return True
        lowered = text.lower()
        if self._runs_once_joined(text):
            return True
        return bool(
            self.MARKUP.search(text)
            or (("script" in lowered or "data:" in lowered) and self.SCHEME.search(text))
            or self.IMAGE.search(text)
            or (
                self._may_hold_links(lowered)
                and any(self.host(it[0]) not in self._hosts for it in self.LINK.finditer(text))
            )
            or (shown := self.HARMLESS.sub("", text)) != TextForm.harmless(shown)
        )

    @classmethod
    def _may_hold_links(cls, lowered: str) -> bool:
        return any(needed in lowered for needed in cls.LINKS_NEED)

    @classmethod
    def _runs_once_joined(cls, text: str) -> bool:
        """True for a script's scheme with a tab or a new line in it."""
        if not cls.UNSEEN_IN_LINKS.search(text):
            return False
        joined = cls.UNSEEN_IN_LINKS.sub("", text)
        return "script" in joined.lower() and cls.SCHEME.search(joined) is not None

    def removed(self, text: str) -> str:
        """`text` without it."""
        if "&" in text and self.is_present(html.unescape(text)):
            text = self._unescaped(text)
        if self._runs_once_joined(text):
            text = self.UNSEEN_IN_LINKS.sub("", text)
        text = TextForm.harmless(text)
        text = self._without_markup(text)
        text = self.IMAGE.sub("[", text)
        text = self.LINK.sub(lambda it: it[0] if self.host(it[0]) in self._hosts else "", text)
        return self.SCHEME.sub("", text)

    @classmethod
    def _without_markup(cls, text: str) -> str:
        """What is left of markup may be markup anew, as deep as its writer likes."""
        for _ in range(cls.MAX_DEPTH):
            text, count = cls.MARKUP.subn("", text)
            if not count:
                return text
        return text.replace("<", "")

    @staticmethod
    def _unescaped(text: str) -> str:
        """`text` without entities, those of entities neither."""
        while (plain := html.unescape(text)) != text:
            text = plain
        return text
