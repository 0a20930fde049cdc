"""The rules that tell a text that wants to be obeyed: fast, offline, and no more than a first net.

Rules find known ways to say it. What they miss must still be harmless: no model is trusted, see
docs/threats.md.
"""

import re
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from hashlib import blake2b
from itertools import accumulate, compress
from typing import Final

from .injection_rules import MARKUP, SPLIT_HEADS, SPLIT_STEMS, Markup, Rule, RuleFile
from .normal_form import NormalForm


class Forms:
    """How the forms of rules are written becomes regular expressions; see injection_rules.py."""

    ENDING: Final = "[a-z0-9]{0,15}"
    """What `*` stands for; `responsibilities` has an ending of 12."""

    WORD: Final = "(?:[a-z0-9]{1,40} )"
    """One word of a gap."""

    SQUEEZED_CHARS: Final = 7
    """Letters for each word of a gap where words have no ends; English has 5 on average."""

    GAP: Final = re.compile(r"<(\d)>")

    @classmethod
    def of_words(cls, rests: Iterable[str]) -> re.Pattern[str]:
        """One expression for what may follow a first word, from its end on; "" is nothing."""
        forms = "|".join(cls._plain(f" {rest}" if rest else "") for rest in rests)
        spaced = cls.GAP.sub(lambda gap: f"{cls.WORD}{cls._up_to(int(gap[1]))}", forms)
        return re.compile(f"(?:{spaced.replace('*', cls.ENDING)})(?= )")

    @classmethod
    def of_letters(cls, rests: Iterable[str]) -> re.Pattern[str]:
        """The same without spaces and without the ends of words."""
        forms = "|".join(cls._plain(rest).replace(" ", "").replace("*", "") for rest in rests)
        return re.compile(cls.GAP.sub(cls._letters, forms))

    @classmethod
    def _letters(cls, gap: re.Match[str]) -> str:
        return f"[a-z0-9]{cls._up_to(cls.SQUEEZED_CHARS * int(gap[1]))}?"

    @staticmethod
    def _plain(rest: str) -> str:
        return NormalForm.skeleton(rest).replace("(", "(?:")

    @staticmethod
    def _up_to(most: int) -> str:
        return "{0," + f"{most}" + "}"


class InjectionRules:
    """Adds up the rules that a text meets. Takes time in proportion to the text's length."""

    REFUSED: Final = 4
    """Weight from which on a text is refused; tuned on one half of the corpora in tests/guardrails."""

    QUOTED: Final = re.compile(
        r"\"[^\"]{4,200}\"|'[^'\n]{4,200}'|“[^”]{4,200}”|«[^»]{4,200}»|\u2018[^\u2019]{4,200}\u2019|`[^`]{4,200}`"
    )
    ABOUT: Final = re.compile(
        NormalForm.skeleton(
            r" (?:mean|means|meaning|signific\w{1,5}|explain|explica|what|que|why|por que|how|como|translate|traduce|headline"
            r"|titular|article|articulo|researchers?|investigadores|attacks?|ataques?|phrase|frase|hackers?|study|estudio"
            r"|sentence|warns?|advierten?|trick\w{0,3}|enganan?|called|llama|story|noticia|news|noticias|term|termino) "
        )
    )
    ABOUT_CHARS: Final = 400
    """Longest text that may speak about an attack by quoting it; a headline, a question."""

    QUOTED_BELOW: Final = 12
    """Weight from which on a quotation is refused as well: more than one attack is said in it."""

    NEVER_QUOTED: Final = frozenset({"exfiltration", "hide-from-user", "tool-call"})
    """Rules that no quotation excuses."""

    SPEAKER: Final = re.compile(
        NormalForm.skeleton(
            r" (?:(?:i|we|they|people|users?|he|she|one|never|always|yo|nosotros)"
            r"|(?:safe|ok|okay|possible|allowed|legal|bad|fine|how|way|want|wants|when|reasons?|learn|trying|able|like)"
            r"(?: not)? to|how (?:do|can|could|should) (?:i|we) [a-z0-9 ]{1,24}|como (?:hago|hacer|puedo) [a-z0-9 ]{1,24}"
            r"|(?:puedo|podemos|debo|puede|pueden|quiero|como|es seguro|es posible|si|se)) $"
        )
    )
    """Before a verb: somebody asks about what people do, and tells nobody to."""

    SPEAKER_CHARS: Final = 40
    """Longest such beginning."""

    TELLING_CHARS: Final = 4
    """Shortest first word that is worth a second look where words were split: `a` is everywhere."""

    SPLIT_CHARS: Final = 60
    """Letters from the first word of a rule to the one that it is about; two gaps of four words."""

    DIGEST_BYTES: Final = 16
    """Of a text's digest: nobody finds another text for it."""

    KNOWN: Final = 2048
    """Texts whose verdict is kept, by digest: a conversation is looked through at each turn."""

    def __init__(self, *more: Rule) -> None:
        """Read the rules once, and `more` of them; all texts share them."""
        rules = (*RuleFile(RuleFile.OURS).rules(), *more)
        rests: dict[str, dict[Rule, list[str]]] = defaultdict(lambda: defaultdict(list))
        for rule in rules:
            for form in rule.forms:
                heads, _, rest = form.partition(" ")
                for head in heads.split("|"):
                    rests[head][rule].append(rest)
        self._forms = {
            NormalForm.skeleton(head): [
                (rule, Forms.of_words(its)) for rule, its in by_rule.items()
            ]
            for head, by_rule in rests.items()
        }
        self._telling = frozenset(it for it in self._forms if len(it) >= self.TELLING_CHARS)
        self._split = {
            NormalForm.skeleton(head): [
                (rule, Forms.of_letters(filter(None, its)))
                for rule, its in rests[head].items()
                if rule.is_split
            ]
            for head in SPLIT_HEADS
        }
        self._stems = [NormalForm.skeleton(stem) for stem in SPLIT_STEMS]
        self._reversed = frozenset(NormalForm.skeleton(head[::-1]) for head in SPLIT_HEADS)
        self._rotated = frozenset(
            NormalForm.skeleton(NormalForm.rotated(head)) for head in SPLIT_HEADS
        )
        self._markup = [(it, re.compile(it.pattern)) for it in MARKUP]
        self._signs = frozenset(sign for it in MARKUP for sign in it.signs)
        self._verdicts: OrderedDict[bytes, str | None] = OrderedDict()

    def found(self, text: str) -> str | None:
        """The weightiest rule of a text that is refused; None for any other."""
        key = blake2b(text.encode(errors="surrogatepass"), digest_size=self.DIGEST_BYTES).digest()
        if key in self._verdicts:
            return self._verdicts[key]
        verdict = self._verdicts[key] = self._found(text)
        if len(self._verdicts) > self.KNOWN:
            self._verdicts.popitem(last=False)
        return verdict

    def spread(self, texts: Sequence[str], apart: str) -> str | None:
        """A rule that would refuse by itself and is met by `texts` together, by none of them alone."""
        alone = {name for text in texts for name in self._met(text)}
        met = self._met(apart.join(texts))
        spread = (name for name, weight in met.items() if weight >= self.REFUSED)
        return next((name for name in spread if name not in alone), None)

    def _found(self, text: str) -> str | None:
        met = self._met(text)
        if (weight := sum(met.values())) < self.REFUSED:
            return None
        is_short = weight < self.QUOTED_BELOW and len(text) <= self.ABOUT_CHARS
        if is_short and self.NEVER_QUOTED.isdisjoint(met):
            outside, quotes = self.QUOTED.subn(" ", text)
            words = NormalForm.words(NormalForm.folded(outside))
            if quotes and self.ABOUT.search(words) and not self._is_refused(outside):
                return None
        return max(met, key=lambda name: met[name])

    def _is_refused(self, text: str) -> bool:
        return sum(self._met(text).values()) >= self.REFUSED

    def _met(self, text: str) -> Mapping[str, int]:
        """The names of the rules that a text meets in one of its readings, and their weights."""
        met: dict[str, int] = {}
        for reading in (text, *NormalForm.decoded(text)):
            if sum(met.values()) >= self.QUOTED_BELOW:  # nothing can save it
                break
            folded = NormalForm.folded(reading)
            words = NormalForm.words(folded)
            self._read(folded, words, met)
            each = set(words.split(" "))
            if not self._reversed.isdisjoint(each):
                self._read(folded[::-1], NormalForm.words(folded[::-1]), met)
            if not self._rotated.isdisjoint(each):
                self._read("", NormalForm.words(NormalForm.rotated(folded)), met)
        return met

    def _read(self, folded: str, words: str, met: dict[str, int]) -> None:
        """Add what one reading meets."""
        said, told_of = self._in_words(words)
        mended = NormalForm.words(NormalForm.mended(folded)).split(" ")
        if not self._telling.isdisjoint(mended):
            whole = NormalForm.words(NormalForm.joined(NormalForm.split_lines(folded)))
            said = {**said, **self._in_words(whole)[0]}
        found: list[Rule | Markup] = [*self._in_markup(folded), *said.values()]
        found += self._in_squeezed(NormalForm.squeezed(words), said.keys() | told_of)
        for rule in found:
            met[rule.name] = max(rule.weight, met.get(rule.name, 0))

    def _in_markup(self, folded: str) -> Iterator[Markup]:
        lines = f"\n{folded}"
        signs = {sign for sign in self._signs if sign in lines}
        for markup, pattern in self._markup:
            if not signs.isdisjoint(markup.signs) and pattern.search(lines):
                yield markup

    def _in_words(self, words: str) -> tuple[Mapping[str, Rule], Set[str]]:
        """The rules of a text's words by name; and the names of those that somebody only speaks of."""
        said: dict[str, Rule] = {}
        told_of: set[str] = set()
        each = words.split(" ")
        ends = [*accumulate(map(len, each))]
        for at in compress(range(len(each)), map(self._forms.__contains__, each)):
            end = ends[at] + at  # a space before each word
            for rule, follows in self._forms[each[at]]:
                if rule.name in said or not follows.match(words, end):
                    continue
                start = end - len(each[at])
                if self.SPEAKER.search(words, max(0, start - self.SPEAKER_CHARS), start):
                    told_of.add(rule.name)
                else:
                    said[rule.name] = rule
        return said, told_of

    def _in_squeezed(self, squeezed: str, met: Set[str]) -> Iterator[Rule]:
        """What stands in the letters alone, where words are split or spelled."""
        stems = [stem for stem in self._stems if stem in squeezed]
        heads = [head for head in self._split if head in squeezed] if stems else []
        for stem in stems if heads else ():
            at = squeezed.find(stem)
            while at >= 0:
                yield from self._before(squeezed, at, heads, met)
                at = squeezed.find(stem, at + 1)

    def _before(
        self, squeezed: str, stem: int, heads: Iterable[str], met: Set[str]
    ) -> Iterator[Rule]:
        """The rules that begin with one of `heads` shortly before a stem."""
        start = max(0, stem - self.SPLIT_CHARS)
        for head in heads:
            if (at := squeezed.rfind(head, start, stem)) >= 0:
                for rule, follows in self._split[head]:
                    if rule.name not in met and follows.match(squeezed, at + len(head)):
                        yield rule
