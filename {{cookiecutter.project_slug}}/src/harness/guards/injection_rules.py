"""The rules that tell a text that wants to be obeyed: fast, offline, and no more than a first net.

Rules find known ways to say it. What they miss must still be harmless: no model is trusted, see
docs/prove.md.
"""

import re
import tomllib
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from itertools import accumulate, chain, compress
from pathlib import Path
from typing import Final

from ..errors import ConfigurationError
from .normal_form import NormalForm


@dataclass(frozen=True, slots=True)
class Rule:
    """Forms that mean the same. A text that holds one of them gets the weight once."""

    name: str
    weight: int
    """Of `InjectionRules.REFUSED`: that many make a text refused by this rule alone."""

    forms: tuple[str, ...]

    is_manner: bool = False
    """It says in which manner to answer, as who plays a role asks: no text is refused for such rules alone."""


Follows = Sequence[tuple[Rule, re.Pattern[str]]]
"""What may follow a form's first word, by rule."""


@dataclass(frozen=True, slots=True)
class Markup:
    """A regular expression over the folded text, with its signs and lines; or, in other scripts, over the text itself."""

    name: str
    weight: int
    pattern: str
    signs: Sequence[str] = ()
    """It is tried where one of them stands; a script's is tried where other than Latin letters stand."""


class RuleFile:
    """Reads rules as injection_rules.txt explains them."""

    OURS: Final = Path(__file__).with_name("injection_rules.txt")

    HEADING: Final = re.compile(r"\[(?P<name>[a-z0-9-]+) (?P<weight>[1-9])(?P<manner> manner)?\]")
    VALUE: Final = re.compile(r"\$(?P<name>[a-z]+) = (?P<value>.+)")
    USE: Final = re.compile(r"\$([a-z]+)")
    FORM: Final = re.compile(r"[a-z0-9|]+(?: [a-z0-9 |()?*<>{}]+|\{[a-z0-9 |()?*<>{}]+)?")

    BRACKETS: Final = re.compile(r"\((?:[^()]|\([^()]*\))*\)|\{[^{}]*\}")
    """What stands in brackets, and brackets in them."""

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
        rules: list[tuple[re.Match[str], list[str]]] = []
        for at, line in enumerate(self._lines(), 1):
            if not line or line.startswith("#"):
                continue
            if value := self.VALUE.fullmatch(line):
                values[value["name"]] = value["value"]
            elif heading := self.HEADING.fullmatch(line):
                rules.append((heading, []))
            else:
                form = self._form(line, values, at)
                if not rules:
                    raise self._wrong(at, "it stands below no [name weight]")
                rules[-1][1].append(form)
        for heading, forms in rules:
            yield Rule(heading["name"], int(heading["weight"]), tuple(forms), bool(heading["manner"]))

    def _lines(self) -> list[str]:
        try:
            return self._file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeError) as error:
            raise ConfigurationError([f"{self._variable}: {type(error).__name__}"]) from None

    def _form(self, line: str, values: Mapping[str, str], at: int) -> str:
        try:
            form = self.USE.sub(lambda use: values[use[1]], line)
            re.compile(re.sub(r"[*<>{}]", "", form))
        except (KeyError, re.error):
            raise self._wrong(at, "a $name is unknown, or brackets do not match") from None
        if "|" in self.BRACKETS.sub("", self.BRACKETS.sub("", form.partition(" ")[2])):
            raise self._wrong(at, "a | behind the first word stands outside of brackets")
        if not self.FORM.fullmatch(form):
            allowed = "only small letters, digits, one space, ( | ) ? * <4> and {} may be in it"
            raise self._wrong(at, allowed)
        return form

    def _wrong(self, at: int, problem: str) -> ConfigurationError:
        return ConfigurationError([f"{self._variable}: line {at}: {problem}"])


class InjectionRules:
    """Adds up the rules that a text meets. Takes time in proportion to the text's length."""

    REFUSED: Final = 4
    """Weight from which on a text is refused; tuned on one half of the corpora in tests/harness/guards."""

    QUOTED: Final = re.compile(
        r"\"[^\"]{4,200}\"|(?<!\w)'[^'\n]{4,200}'(?!\w)|“[^”]{4,200}”|«[^»]{4,200}»|\u2018[^\u2019]{4,200}\u2019|`[^`]{4,200}`"
    )
    ABOUT_CHARS: Final = 400
    """Longest text that may speak about an attack by quoting it; a headline, a question."""

    QUOTED_BELOW: Final = 20
    """Weight from which on a quotation is refused as well: more than one attack is said in it."""

    NEVER_QUOTED: Final = frozenset({"exfiltration", "exfiltration-words", "hide-from-user", "tool-call"})
    """Rules that no quotation excuses."""

    SPEAKER_CHARS: Final = 40
    """Longest beginning that shows that somebody only speaks of what a verb says."""

    PATTERNS: Final = Path(__file__).with_name("injection_patterns.toml")

    ENDING: Final = "[a-z0-9]{0,15}"
    """What `*` stands for; `responsibilities` has an ending of 12."""

    WORD: Final = "(?:[a-z0-9]{1,40} )"
    """One word of a gap."""

    GAP: Final = re.compile(r"<(\d\d?)>")
    """Words that may stand between: `<4>`, up to four."""

    UNLESS: Final = re.compile(r"\{([^{}]+)\}")
    """Words that may not follow: `prompt{reply|answer}`."""

    DIGEST_BYTES: Final = 16
    """Of a text's digest: nobody finds another text for it."""

    MAX_CACHED: Final = 2048
    """Texts whose verdict is remembered, by digest: a conversation is looked through at each turn."""

    def __init__(self, *more: Rule) -> None:
        """Read the rules once, and `more` of them; all texts share them."""
        rests: dict[str, dict[Rule, list[str]]] = defaultdict(lambda: defaultdict(list))
        rules = (*RuleFile(RuleFile.OURS).rules(), *more)
        self._manners = {rule.name for rule in rules if rule.is_manner}
        for rule in rules:
            for form in rule.forms:
                heads, _, rest = form.partition(" ")
                for head in heads.split("|"):
                    rests[NormalForm.canonicalize(head)][rule].append(rest)
        self._forms = {head: [(it, tuple(its)) for it, its in by_rule.items()] for head, by_rule in rests.items()}
        self._compiled: dict[str, Follows] = {}
        patterns = tomllib.loads(self.PATTERNS.read_text(encoding="utf-8"))
        self._about = re.compile(NormalForm.canonicalize(patterns["about"]))
        self._speaker = re.compile(NormalForm.canonicalize(patterns["speaker"]))
        markup = [Markup(**row) for row in patterns["markup"]]
        self._markup = [(it, re.compile(it.pattern)) for it in markup]
        self._signs = frozenset(sign for it, _ in self._markup for sign in it.signs)
        scripts = [Markup(**row) for row in patterns["script"]]
        self._scripts = [(it, re.compile(it.pattern)) for it in scripts]
        self._verdicts: OrderedDict[bytes, str | None] = OrderedDict()

    def _compile(self, head: str) -> Follows:
        """What may follow `head`. Made when a text first holds it: all of them take a second."""
        compiled = self._compiled[head] = [(it, self._expression(rests)) for it, rests in self._forms[head]]
        return compiled

    @classmethod
    @cache
    def _expression(cls, rests: tuple[str, ...]) -> re.Pattern[str]:
        """One expression for what may follow a form's first word, from its end on; "" is nothing."""
        words = "|".join(f" {rest}" if rest else "" for rest in rests)
        plain = NormalForm.canonicalize(words).replace("(", "(?:")
        plain = cls.UNLESS.sub(r"(?! (?:\1) )", plain)
        spaced = cls.GAP.sub(lambda gap: cls.WORD + "{0," + gap[1] + "}", plain)
        return re.compile(f"(?:{spaced.replace('*', cls.ENDING)})(?= )")

    def match(self, text: str) -> str | None:
        """The weightiest rule of a text that is refused; None for any other."""
        key = blake2b(text.encode(errors="surrogatepass"), digest_size=self.DIGEST_BYTES).digest()
        with suppress(KeyError):  # a thread may just have dropped it
            return self._verdicts[key]
        verdict = self._verdicts[key] = self._verdict(text)
        if len(self._verdicts) > self.MAX_CACHED:
            self._verdicts.popitem(last=False)
        return verdict

    def match_split(self, texts: Sequence[str], separator: str) -> str | None:
        """A rule that would refuse by itself and is met by `texts` together, by none of them alone."""
        alone = {name for text in texts for name in self._weights(text)}
        together = self._weights(separator.join(texts)).items()
        return next((it for it, weight in together if weight >= self.REFUSED and it not in alone), None)

    def _verdict(self, text: str) -> str | None:
        weights = self._weights(text)
        if (weight := sum(weights.values())) < self.REFUSED or self._manners.issuperset(weights):
            return None
        is_short = weight < self.QUOTED_BELOW and len(text) <= self.ABOUT_CHARS
        if is_short and self.NEVER_QUOTED.isdisjoint(weights):
            outside, quotes = self.QUOTED.subn(" ", text)
            words = NormalForm.words(NormalForm.folded(outside))
            is_about = quotes and self._about.search(words)
            if is_about and sum(self._weights(outside).values()) < self.REFUSED:
                return None
        return max(weights, key=lambda name: weights[name])

    def _weights(self, text: str) -> Mapping[str, int]:
        """The names of the rules that a text meets in one of its readings, and their weights."""
        weights: dict[str, int] = {}
        for reading in (text, *NormalForm.decoded(text)):
            if sum(weights.values()) >= self.QUOTED_BELOW:  # nothing can save it
                break
            for rule in chain(self._scripts_in(reading), self._rules_in(NormalForm.folded(reading))):
                weights[rule.name] = max(rule.weight, weights.get(rule.name, 0))
        return weights

    def _scripts_in(self, reading: str) -> Iterator[Markup]:
        if own := NormalForm.in_own_script(reading):
            yield from (markup for markup, pattern in self._scripts if pattern.search(own))

    def _rules_in(self, folded: str) -> Iterator[Rule | Markup]:
        """What one reading meets, its split words joined too."""
        yield from self._markup_in(folded)
        yield from self._words_in(NormalForm.words(folded))
        if lines := NormalForm.split_lines(folded):
            yield from self._words_in(NormalForm.words(NormalForm.join_split_words(lines)))

    def _markup_in(self, folded: str) -> Iterator[Markup]:
        lines = f"\n{folded}"
        signs = {sign for sign in self._signs if sign in lines}
        for markup, pattern in self._markup:
            if not signs.isdisjoint(markup.signs) and pattern.search(lines):
                yield markup

    def _words_in(self, words: str) -> Iterator[Rule]:
        """The rules of a text's words, without those that somebody only speaks of."""
        met: set[str] = set()
        each = words.split(" ")
        ends = [*accumulate(map(len, each))]
        for at in compress(range(len(each)), map(self._forms.__contains__, each)):
            end = ends[at] + at  # a space before each word
            for rule, follows in self._compiled.get(each[at]) or self._compile(each[at]):
                if rule.name in met or not follows.match(words, end):
                    continue
                start = end - len(each[at])
                if not self._speaker.search(words, max(0, start - self.SPEAKER_CHARS), start):
                    met.add(rule.name)
                    yield rule
