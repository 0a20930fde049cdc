"""E-mail and IP addresses, those too that are written so that no machine should read them."""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address
from typing import Final


class Addresses:
    """Finds them in time linear in the text."""

    EMAIL: Final = re.compile(
        r"(?<![\w.!#$%'+^~-])(?!git@)[\w.!#$%'+^~-]{1,128}+(?<!%40)@(?:[^\W_](?:[^\W_]|-)*+\.)+"
        r"(?!(?:png|jpe?g|gif|svg|webp|css|js|html?)\b)[^\W\d_]{2,}+(?!:[\w~/])"
    )
    """Letters of any script, as in RFC 6531."""

    HIDDEN: Final = re.compile(
        r"""
        (?<![\w.+-])[\w.+-]{1,64}?(?:
            (?:\ @\ ?|@\ |%40|&\#64;|\ ?[\[({]\s?(?:at|arroba|@)\s?[\])}]\ ?)
            [^\W_](?:[^\W_]|-){0,62}(?:\ ?(?:\.|[\[({]\s?(?:dot|punto|ponto|\.)\s?[\])}])\ ?[^\W_](?:[^\W_]|-){0,62}){0,3}?
            \ ?(?:\.|[\[({]\s?(?:dot|punto|ponto|\.)\s?[\])}])\ ?
          | \ (?:at|arroba)\ [^\W_](?:[^\W_]|-){0,62}(?:\ (?:dot|punto|ponto)\ [^\W_](?:[^\W_]|-){0,62}){0,2}?
            \ (?:dot|punto|ponto)[ ]
          | \ arroba\ [^\W_](?:[^\W_]|-){0,62}\.
        )[^\W\d_]{2,24}(?![\w-])
        """,
        re.VERBOSE | re.IGNORECASE,
    )
    """`ana @ example.com`, `ana%40example.com`, `ana [at] example [dot] com`, `ana arroba example punto com`."""

    HIDDEN_NEEDS: Final = (
        " @",
        "@ ",
        "%40",
        "&#64;",
        "[@",
        "(@",
        "[at",
        "(at",
        "{at",
        "[ at",
        "( at",
        "arroba",
        " dot ",
    )
    """One of these is in each, in lower case."""

    AT: Final = re.compile(r"\s?(?:%40|&#64;|[\[({]\s?(?:at|arroba|@)\s?[\])}]|\b(?:at|arroba)\b|@)\s?", re.IGNORECASE)
    DOT: Final = re.compile(
        r"\s?(?:[\[({]\s?(?:dot|punto|ponto|\.)\s?[\])}]|\b(?:dot|punto|ponto)\b)\s?", re.IGNORECASE
    )

    IPV4: Final = re.compile(r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\w|\.\d)")
    IPV6: Final = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{2,45}+(?:\.\d{1,3}){0,3}+(?![\w:])")
    OWN_IPV4: Final = re.compile(r"127\.|0\.0\.0\.0\Z")
    """Of every machine, and nobody's."""
    IPV4_NEEDS: Final = re.compile(r"\d\.\d{1,3}\.\d")
    """What is found in less time; most texts have none."""

    LONG_GROUP: Final = re.compile(r"[0-9A-Fa-f]{3,4}|[A-Fa-f]|^::1?$")
    """In every IPv6 address that is no clock: `10:20::30`."""

    NUMBERED: Final = re.compile(
        r"(?:\bv|versi[oó]n|versão|version|ver\.?|section|secci[oó]n|secc?\.|§|cap[ií]tulo|chapter|apartado|art[ií]culo"
        r"|article|clause|cl[aá]usula|figure|figura|release|build|firmware|kernel|rev(?:ision)?|paragraph|punto|point"
        r"|tabla|table|norma|standard|step|paso|item|annex|anexo|appendix|python|node|java|update)"
        r"[\s.:=#n\xba\xb0]{0,4}$",
        re.IGNORECASE,
    )
    NUMBERED_CHARS: Final = 20
    """What shows, so far before it, that four numbers are a version or a section."""

    def may_hold_an_email(self, text: str) -> bool:
        """False for most texts, in less time."""
        return "@" in text or self._may_be_hidden(text)

    @classmethod
    def _may_be_hidden(cls, text: str) -> bool:
        return any(map(text.lower().__contains__, cls.HIDDEN_NEEDS))

    def emails(self, text: str) -> Iterator[tuple[int, int]]:
        """Where e-mail addresses stand."""
        yield from (it.span() for it in self.EMAIL.finditer(text))
        if self._may_be_hidden(text):
            yield from (it.span() for it in self.HIDDEN.finditer(text))

    @classmethod
    def plain_email(cls, text: str) -> str:
        """One address as a machine reads it."""
        return cls.DOT.sub(".", cls.AT.sub("@", text)).replace(" ", "")

    def ips(self, text: str) -> Iterator[tuple[int, int]]:
        """Where IP addresses stand."""
        if self.IPV4_NEEDS.search(text):
            for match in self.IPV4.finditer(text):
                before = text[max(0, match.start() - self.NUMBERED_CHARS) : match.start()]
                if not self.NUMBERED.search(before) and not self.OWN_IPV4.match(match[0]):
                    yield match.span()
        if "::" not in text and text.count(":") < 1 + 1:
            return
        for match in self.IPV6.finditer(text):
            value = match[0].rstrip(".")
            value = value if value.endswith("::") else value.removesuffix(":")
            if self._is_ipv6(value):
                yield match.start(), match.start() + len(value)

    @classmethod
    def _is_ipv6(cls, value: str) -> bool:
        """True for an address that may be somebody's, and no clock."""
        try:
            address = IPv6Address(value)
        except AddressValueError:
            return False
        if address.is_loopback or address.is_unspecified or not cls.LONG_GROUP.search(value):
            return False
        return any(map(str.isdigit, value)) or "::" not in value
