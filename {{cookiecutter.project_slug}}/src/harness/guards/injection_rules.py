"""What texts say that want to be obeyed: rules about words, from files, and rules about markup."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Rule:
    """Forms that mean the same. A text that holds one of them gets the weight once."""

    name: str
    weight: int
    """Of `InjectionRules.REFUSED`: that many make a text refused by this rule alone."""

    is_split: bool
    """Looked for in letters without spaces too: only for forms that no ordinary text holds so."""

    forms: tuple[str, ...]


class RuleFile:
    """Reads rules as injection_rules.txt explains them."""

    OURS: Final = Path(__file__).with_name("injection_rules.txt")

    HEADING: Final = re.compile(r"\[(?P<name>[a-z0-9-]+) (?P<weight>[1-9])(?P<split> split)?\]")
    VALUE: Final = re.compile(r"\$(?P<name>[a-z]+) = (?P<value>.+)")
    USE: Final = re.compile(r"\$([a-z]+)")
    FORM: Final = re.compile(r"[a-z0-9|]+(?: [a-z0-9 |()?*<>]+)?")

    def __init__(self, file: Path, variable: str = "injection_rules.txt") -> None:
        """Name `variable` where the file is wrong."""
        self._file = file
        self._variable = variable

    def rules(self) -> Iterator[Rule]:
        """The rules of the file, each heading one.

        Raises:
            ConfigurationError: The file cannot be read, or a line is no rule; it is named.
        """
        values: dict[str, str] = {}
        heading, forms = None, list[str]()
        for at, line in enumerate(self._lines(), 1):
            if not line or line.startswith("#"):
                continue
            if value := self.VALUE.fullmatch(line):
                values[value["name"]] = value["value"]
            elif named := self.HEADING.fullmatch(line):
                yield from self._rule(heading, forms)
                heading, forms = named, []
            else:
                forms.append(self._form(line, values, at))
                if heading is None:
                    raise self._wrong(at, "it stands below no [name weight]")
        yield from self._rule(heading, forms)

    def _lines(self) -> list[str]:
        try:
            return self._file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeError) as error:
            raise ConfigurationError([f"{self._variable}: {type(error).__name__}"]) from None

    def _form(self, line: str, values: dict[str, str], at: int) -> str:
        try:
            form = self.USE.sub(lambda use: values[use[1]], line)
            re.compile(form.replace("*", "").replace("<", "").replace(">", ""))
        except (KeyError, re.error):
            raise self._wrong(at, "a $name is unknown, or brackets do not match") from None
        if not self.FORM.fullmatch(form):
            raise self._wrong(
                at, "only small letters, digits, one space, ( | ) ? * and <4> may be in it"
            )
        return form

    @staticmethod
    def _rule(heading: re.Match[str] | None, forms: list[str]) -> Iterator[Rule]:
        if heading:
            is_split = heading["split"] is not None
            yield Rule(heading["name"], int(heading["weight"]), is_split, tuple(forms))

    def _wrong(self, at: int, problem: str) -> ConfigurationError:
        return ConfigurationError([f"{self._variable}: line {at}: {problem}"])


SPLIT_HEADS: Final = frozenset(
    "ignore disregard forget override bypass ignora ignorad ignorar olvida olvidar omite descarta anula reveal print repeat"
    " output display disclose revela muestra muestrame imprime repite escribe pretend system decode sistema".split()
)
"""First words that are looked for in letters without spaces, backwards and turned by 13 places."""

SPLIT_STEMS: Final = (
    "nstruc",
    "prompt",
    "rules",
    "regla",
    "guideline",
    "restric",
    "directri",
    "above",
    "arriba",
    "mensaje",
)
"""Letters of which one is in whatever they begin there: without one, nothing is looked for."""


@dataclass(frozen=True, slots=True)
class Markup:
    """A regular expression over the folded text, signs and lines kept."""

    name: str
    weight: int
    signs: tuple[str, ...]
    """It is tried where one of them stands."""
    pattern: str


MARKUP: Final = (
    Markup(
        "chat-template",
        4,
        ("<|",),
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|eot_id|begin_of_text)\|",
    ),
    Markup(
        "chat-template",
        4,
        ("inst]", "sys>>", "_of_turn>"),
        r"\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>",
    ),
    Markup(
        "fake-tags",
        4,
        (
            "<system",
            "</system",
            "<developer",
            "<admin",
            "<instruction",
            "</instruction",
            "<tool_re",
            "</tool_re",
        ),
        r"</?(?:system|system_prompt|developer|admin|instructions?|tool_result|tool_response)\b[^<>\n]{0,80}>",
    ),
    Markup(
        "fake-role",
        3,
        ("system", "developer", "sistema", "admin"),
        r"\n[ \t>*_#\[(]{0,8}(?:system|developer|sistema|admin(?:istrator)?)(?: ?(?:message|prompt|mensaje|note|update|notice"
        r"|override))?[\])*_]{0,4} ?:",
    ),
    Markup(
        "fake-role",
        3,
        ("system", "developer", "sistema", "admin", "internal", "override"),
        r"[\[({](?:system|sistema|admin|developer|internal|override)(?: [a-z]{1,20}){0,2}[\])}]",
    ),
    Markup(
        "fake-role",
        3,
        ("##",),
        r"##[#]{0,4} ?[(\[]?(?:system|instructions?|new instructions?|instruccion(?:es)?|sistema|end|response|override)\b",
    ),
    Markup("fake-json", 4, ('"role"',), r'"role" ?: ?"(?:system|developer|tool)"'),
    Markup(
        "tool-call",
        3,
        ("_",),
        r"(?:call|invoke|execute|llama a|invoca|ejecuta) `?[a-z]{2,20}(?:_[a-z]{2,20}){1,4}\b",
    ),
    Markup("html-comment", 2, ("<!--",), r"<!--"),
    Markup(
        "hidden-style",
        2,
        ("display", "font-size", "visibility", "color"),
        r"display ?: ?none|font-size ?: ?0|visibility ?: ?hidden|color ?: ?(?:white|#fff)",
    ),
    Markup(
        "image-exfiltration",
        4,
        ("![",),
        r"!\[[^\]\n]{0,80}\]\(https?://[^)\s]{0,200}[?=&{][^)\s]{0,200}\)",
    ),
)
