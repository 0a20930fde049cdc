"""Takes secrets out of whatever is about to be written down. The one place that does."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from ..settings import Configuration
from .secret_shapes import SecretShapes

MASK: Final = "[redacted]"

SHORTEST_SECRET: Final = 4
"""Characters. A shorter value is a placeholder, and its removal would shred every log line."""

DEEPEST: Final = 12
"""Levels of nesting that are written down; a structure that holds itself ends here."""

KEYS_REMEMBERED: Final = 256
"""Dictionary keys. Our own events have about 40; more are a caller's."""


class Redactor:
    """Removes secrets by value, by the shape of well-known keys, and by the name they go by.

    Every pattern runs in time linear in the text: no nested quantifiers, possessive repeats
    (`++`, nothing to backtrack into), and a match may not start inside a run that it would
    itself have eaten.
    """

    SHAPES: Final = SecretShapes()

    HEADERS: Final = re.compile(
        r"""
        (?P<name>(?:authorization|cookie)["'\\]{0,4}\s{0,3}[:=]\s{0,3}["'\\]{0,4})[^\r\n"']++
        | (?P<scheme>\bbearer\s{1,3})[A-Za-z0-9._~+/=-]{8,}+
        | (?P<basic>\bbasic\s{1,3})(?=[a-z+/]*+[0-9=])[A-Za-z0-9+/]{8,}+=*+
        """,
        re.VERBOSE | re.IGNORECASE,
    )

    PAIRS: Final = re.compile(
        r"""
        (?P<name>(?:password|passwd|[_-]pass|[_-]pwd|passphrase|secret|token|credential
            |(?:api|access|private|account|shared|subscription|signing)[_-]?key|[?&](?:sig|key)
            |signature)["'\\]{0,4}(?:\s{0,3}[:=]\s{0,3}|>(?=[^<>\s]{4})))
        (?: \\"[^"\\]*+ | "(?:[^"\\]|\\.)*+ | '(?:[^'\\]|\\.)*+ | [^\s"'\\,;&<]++ )
        """,
        re.VERBOSE | re.IGNORECASE,
    )

    NAME: Final = re.compile(
        r"""
        (?:password|passphrase|passwd|passwort|contrase[\xf1n]a|secret|token|credential|credencial|authorization|signature
          |(?:api|app|application|access|account|activation|admin|auth|backup|client|consumer|deploy|encryption|licen[cs]e
             |master|private|product|recovery|root|security|server|service|shared|signing|subscription|wallet)[ _-]?key
          |(?-i:[A-Z0-9]_KEY)|(?<![A-Za-z])key(?=(?:\ is|\ es|:)\ (?![0-9a-f]{8}-)[A-Za-z0-9_.-]{24})
        )[\w-]{0,24}+
        |(?<![A-Za-z])(?:pass|passcode|pwd|pw|clave|senha|chave|mot\ de\ passe
          |auth|bearer|basic|session)(?:[_-]?id)?(?![A-Za-z])
        """,
        re.VERBOSE | re.IGNORECASE,
    )
    """What a secret is called, in a sentence too."""

    NAMED: Final = re.compile(
        r"""
        ["'\\*`)\]]{0,4}
        (?: (?:\ [^\W\d_]{1,15}){0,6}?(?:\s{0,3}(?:[:=>]|[-=]>) | \ (?:is|es|\xe9|est|ist|lautet)\b:?) | \s)
        [\s"'\\*`(]{0,6}(?:(?:bearer|basic|ssws|bot)\ )?
        (?P<value>[^\s\0"'\\,;&<>`()]{8,200}+)
        """,
        re.VERBOSE | re.IGNORECASE,
    )
    """What follows such a name: `: "...`, ` for the maps service is ...`, or only a space; and the value."""

    PASSWORD: Final = re.compile(
        r"(?<![A-Za-z0-9])(?=[A-Za-z0-9]{8})[A-Za-z0-9]*?[A-Za-z]\d+[A-Za-z]|[A-Z2-7]{16}|[0-9a-f]{8}-[0-9a-f]{4}-"
        r"|^(?!(?:[A-Z]?[a-z]{2,}|[A-Z]{2,})(?:[A-Z][a-z]{2,})*\W*$)(?=[^\[\]{}]*$)(?=.*[a-z][A-Z])"  # mixed, no CamelCase
        r"|^(?=\D*\d)(?=[^A-Za-z]*[A-Za-z])[^@/]*[#$%^*+~!][^/]+$|^(?=\D*\d)\w*@\w*+(?!\.)"
    )
    """What makes a value that is called a secret more than a word."""

    HEADERS_NEED: Final = ("authorization", "cookie", "bearer", "basic")
    PAIRS_NEED: Final = ("pass", "pwd", "secret", "token", "credential", "key", "sig=", "signature")
    NAMES_NEED: Final = (
        "auth", "cookie", "bearer", "basic", "pass", "pw", "secret", "token", "creden", "key", "sig=", "signature",
        "contrase", "clave", "senha", "chave", "session",
    )  # fmt: skip
    """What every match of HEADERS, PAIRS and NAME has one of, in lower case. Most lines have none."""

    NAME_CHARS: Final = 64
    """The longest name has 44."""

    TAKEN_FOR: Final = (("\u0131", "i"), ("i\u0307", "i"), ("\u017f", "s"), ("\u212a", "k"))
    """Letters that are no small ones of these, and equal to them where case is ignored."""

    PLAIN: Final = frozenset({int, float, bool, type(None)})
    """Types of values that hold no text."""

    NAMES: Final = re.compile(
        r"(?:password|passwd|passphrase|secret|token|credential|credentials|authorization|cookie"
        r"|apikey|accesskey|privatekey|secretkey|signature)$"
    )
    """Ends of a dictionary key (lower case, signs left out) whose value is never written."""

    def __init__(self, configurations: Iterable[Configuration] = ()) -> None:
        self._secrets: set[str] = set()
        self._by_value: re.Pattern[str] | None = None
        self._read_key = lru_cache(KEYS_REMEMBERED)(self._judge_key)  # the same few on every line
        for configuration in configurations:
            self.register_secrets(configuration)

    def register_secrets(self, configuration: Configuration) -> None:
        """Remove every secret of these settings from now on, plain or as part of an address."""
        values = (secret.get_secret_value() for secret in configuration.secrets())
        for value in values:
            if len(value) >= SHORTEST_SECRET:
                self._secrets |= {value, quote(value, safe="")}
        if self._secrets:
            longest_first = sorted(self._secrets, key=lambda secret: (-len(secret), secret))
            self._by_value = re.compile("|".join(map(re.escape, longest_first)))
            self._read_key.cache_clear()

    def holds_a_secret(self, text: str) -> bool:
        """True for a secret of the settings, a well-known key's shape, or a value named a secret.

        A name and a plain word, such as `password: none`, are masked in a log but are none here.
        """
        if self._by_value is not None and self._by_value.search(text):
            return True
        if self.SHAPES.is_in(text):
            return True
        return next(self._claimed(text), None) is not None

    @property
    def secrets(self) -> frozenset[str]:
        """The secrets that it knows by value."""
        return frozenset(self._secrets)

    def text(self, text: str) -> str:
        """`text` without its secrets."""
        if self._by_value is not None:
            text = self._by_value.sub(MASK, text)
        text = self.SHAPES.masked(text, self._but_the_at_sign)
        lower = self._lower(text)
        if any(map(lower.__contains__, self.NAMES_NEED)):
            if any(map(lower.__contains__, self.HEADERS_NEED)):
                text = self.HEADERS.sub(self._after_name, text)
            text = SecretShapes.replaced(text, self._claimed(text), lambda _: MASK)
            if any(map(lower.__contains__, self.PAIRS_NEED)):
                text = self.PAIRS.sub(self._after_name, text)
        return text

    def event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """`value` of a log event, in less time where there is nothing to take out."""
        return dict(event) if self._is_clean(event) else self.value(event)

    def _is_clean(self, event: Mapping[str, Any]) -> bool:
        """True only when `value` would change nothing."""
        texts: list[str] = []
        for key, value in event.items():
            kind = type(value)
            if self._read_key(str(key)) != (key, False):
                return False
            if kind is str:
                texts.append(value)
            elif kind is list and all(type(item) is str for item in value):
                texts.extend(value)
            elif kind not in self.PLAIN:
                return False
        # What matches in one text matches here too: no pattern needs to see a text's end.
        joined = "\0".join(texts)
        return self.text(joined) == joined

    @classmethod
    def _claimed(cls, text: str) -> Iterator[tuple[int, int]]:
        """Where values stand that are called secrets, and are no words."""
        end = 0
        for name in cls._names(text):
            named = cls.NAMED.match(text, name.end()) if name.start() >= end else None
            if not named or "://" in named["value"]:
                continue
            end = named.end()
            if SecretShapes.NO_WORD.search(named["value"]) or cls.PASSWORD.search(named["value"]):
                yield named.span("value")

    @classmethod
    def _names(cls, text: str) -> Iterator[re.Match[str]]:
        """Where secrets are named: the pattern is slow, and looks only around what every name has."""
        lower = cls._lower(text)
        places = sorted(at for it in cls.NAMES_NEED for at in cls._places(lower, it))
        if len(lower) != len(text):  # they stand elsewhere
            places = list(range(0, len(text), cls.NAME_CHARS)) if places else []
        windows: list[tuple[int, int]] = []
        for at in places:
            start, end = max(0, at - cls.NAME_CHARS), at + cls.NAME_CHARS
            if windows and start <= windows[-1][1]:
                start = windows.pop()[0]
            windows.append((start, end))
        for start, end in windows:
            yield from cls.NAME.finditer(text, start, end)

    @staticmethod
    def _places(text: str, part: str) -> Iterator[int]:
        at = text.find(part)
        while at >= 0:
            yield at
            at = text.find(part, at + 1)

    @classmethod
    def _lower(cls, text: str) -> str:
        """`text` in lower case, with the letters that a pattern takes for others as those."""
        lower = text.lower()
        if not text.isascii():
            for letter, plain in cls.TAKEN_FOR:
                lower = lower.replace(letter, plain)
        return lower

    def value(self, value: Any, depth: int = 0) -> Any:
        """`value` as plain JSON types without its secrets, however deep they lie."""
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                return self.text(value)
            case _ if depth >= DEEPEST:
                return "..."
            case Mapping():
                return dict(self._item(str(key), item, depth) for key, item in value.items())
            case list() | tuple() | set() | frozenset():
                return [self.value(item, depth + 1) for item in value]
            case bytes():
                return self.text(value.decode(errors="replace"))
        return self.text(str(value))

    @classmethod
    def map_texts(cls, value: Any, change: Callable[[str], str]) -> Any:
        """`value`, made of JSON types, with `change` applied to each text in it, names too."""
        match value:
            case str():
                return change(value)
            case Mapping():
                return {change(str(key)): cls.map_texts(it, change) for key, it in value.items()}
            case list() | tuple() | set() | frozenset():
                return [cls.map_texts(it, change) for it in value]
        return value

    def _item(self, key: str, value: Any, depth: int) -> tuple[str, Any]:
        clean_key, is_secret = self._read_key(key)
        return clean_key, MASK if is_secret and value else self.value(value, depth + 1)

    def _judge_key(self, key: str) -> tuple[str, bool]:
        """The key as it may be written, and whether its value may not."""
        plain = re.sub(r"[^a-z0-9]", "", key.lower())
        return self.text(key), self.NAMES.search(plain) is not None

    @staticmethod
    def _but_the_at_sign(secret: str) -> str:
        return MASK + ("@" if secret.endswith("@") else "")

    @staticmethod
    def _after_name(match: re.Match[str]) -> str:
        name = next(group for group in match.groups() if group is not None)
        return name + MASK
