"""A case: what is asked, and what must come of it. `docs/evaluation.md` has every key."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from ..guards.personal_data import PiiRules
from ..prompts.language import Language, Words
from ..runtime.state import Verdict
from ..settings.guards import PersonalKind
from ..telemetry.redaction import Redactor

Kind = Literal["functionality", "invariance", "directional", "paraphrases", "language", "counterfactual"]
KINDS: Sequence[Kind] = get_args(Kind)


PERSONAL = PiiRules(",".join(f"{kind}:mask" for kind in get_args(PersonalKind)))
"""Every kind, whatever PERSONAL_DATA_IN says."""
REDACTOR = Redactor()


class _Read:
    """Short forms of a case file."""

    @staticmethod
    def words(given: Any) -> Any:
        """Texts of which one suffices: `30` is `[30]`."""
        return [given] if isinstance(given, str) else given

    @classmethod
    def values(cls, given: Any) -> Any:
        """Values of an attribute, a list or each with the facts of its own."""
        return dict.fromkeys(given, ()) if isinstance(given, list) else given


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

AnyOf = Annotated[tuple[Text, ...], BeforeValidator(_Read.words)]
"""One of them must stand in the answer."""

Facts = Annotated[tuple[AnyOf, ...], BeforeValidator(_Read.words)]


class Question(BaseModel):
    """One thing that a case asks."""

    text: str
    value: str = ""
    """Of a counterfactual's attribute."""

    facts: Sequence[AnyOf] = ()
    """What must stand in the answer."""


class Case(BaseModel):
    """One case. The texts of `facts` and `absent` are looked for as whole words, without accents and case."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    KEYS: ClassVar[Mapping[Kind, tuple[str, frozenset[str]]]] = {
        "functionality": ("ask", frozenset({"ask"})),
        "language": ("ask", frozenset({"ask"})),
        "invariance": ("ask with fill, or group", frozenset({"ask", "fill", "group", "same"})),
        "paraphrases": ("group", frozenset({"group", "same"})),
        "directional": ("ask and then", frozenset({"ask", "then", "same", "differ", "times", "adds"})),
        "counterfactual": (
            "attribute, values, and ask or group",
            frozenset({"ask", "group", "attribute", "values", "gaps"}),
        ),
    }
    """What each kind needs, and the keys that it may have beside those of all kinds."""

    kind: Kind
    id: str = ""
    """Empty: made of the first words of what it asks."""

    ask: str = ""
    """A question. Of an invariance and a counterfactual it is a template, such as `From {country}, ...`."""

    group: tuple[str, ...] = ()
    """Several questions that mean one thing; of a counterfactual several templates."""

    fill: Mapping[str, tuple[str, ...]] = {}
    """Fillers of a template, by name. The first of each make the question that the others are held against."""

    then: str = ""
    """The changed question of a direction."""

    language: Language | None = None
    """Of the answers; without it, of the question as the service tells it."""

    agents: Annotated[tuple[Text, ...] | None, BeforeValidator(_Read.words)] = None
    """Exactly those who must work; none for a question back or a refusal."""

    needs: tuple[str, ...] = ()
    """Agents without which the case means nothing, though they need not work."""

    facts: Facts = ()
    """What must stand in the answer: texts; a list in the list is several of which one suffices."""

    absent: tuple[Text, ...] = ()
    """What must not."""

    verdict: Verdict | None = None
    """`work`: answered; `clarify`: asked back; `decline`: refused, or nothing found. Without it, what is compared
    must be answered: that all are refused alike says nothing; and so must a question of which nothing else is wanted."""

    same: tuple[str, ...] = ()
    """Names of facts that a direction leaves as they are."""

    differ: tuple[str, ...] = ()
    """Names of facts that it changes."""

    times: Mapping[str, float] = {}
    """Names of figures among the facts that it multiplies, and by what."""

    adds: tuple[str, ...] = ()
    """Agents that it adds."""

    attribute: str = ""
    """What a counterfactual changes: country, gender, currency."""

    values: Annotated[Mapping[str, Facts], BeforeValidator(_Read.values)] = {}
    """Its values, each with what must stand in the answer, or a list where that is the same for all."""

    gaps: Mapping[str, str] = {}
    """Values that are served in a lesser way because the data have nothing, each with the reason."""

    source: Literal["hand", "feedback", "synthetic"] = "hand"
    why: str = ""
    pending: bool = False
    """It counts when a person has taken this away."""

    must: bool | None = None
    """Must pass, whatever the statistics say; without it, of the kind functionality."""

    origin: str = Field(default="", exclude=True)
    """File and line."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        needed, allowed = self.KEYS[self.kind]
        foreign = self.model_fields_set & frozenset().union(*(it for _, it in self.KEYS.values())) - allowed
        if foreign:
            raise ValueError(f"the kind {self.kind} has no {', '.join(sorted(foreign))}; it has {needed}")
        if not all(
            (
                self.ask or self.group,
                self.kind not in ("functionality", "language") or self.ask,
                self.kind != "directional" or (self.ask and self.then),
                self.kind != "counterfactual" or (self.attribute and len(self.values) > 1),
                self.kind not in ("paraphrases", "invariance") or len(self.questions) > 1,
            )
        ):
            raise ValueError(f"the kind {self.kind} needs {needed}, at least two of what is compared")
        templates, names = self.group or (self.ask,), {*self.fill, *filter(None, [self.attribute])}
        for template in templates if names else ():
            placeholders = set(self.PLACEHOLDER.findall(template))
            if wrong := placeholders - names:
                raise ValueError(f"{template!r}: nothing fills {', '.join(sorted(wrong))}")
            if self.attribute and self.attribute not in placeholders and not all(self.values.values()):
                placeholder = "{" + self.attribute + "}"
                raise ValueError(f"{template!r} has no {placeholder}, and not every value has facts of its own")
        if idle := self.fill.keys() - set(self.PLACEHOLDER.findall("".join(templates))):
            raise ValueError(f"fill: no question has {', '.join(sorted(idle))} in braces")
        if unknown := self.gaps.keys() - self.values.keys():
            raise ValueError(f"gaps: {', '.join(sorted(unknown))} is none of the values")
        return self

    @property
    def name(self) -> str:
        """Its id, or one made of what it asks: ids stand in reports and go to others, so without secrets."""
        words = Words.tokenize(PERSONAL.hidden(REDACTOR.text(self.ask or self.group[0])))
        return self.id or "-".join(words)[: self.NAME_CHARS].rstrip("-")

    DIGEST_CHARS: ClassVar = 12
    """Of a digest: two cases of 10 million have the same."""

    NAME_CHARS: ClassVar = 60
    """Of an id that nobody wrote; a line of a report."""

    @property
    def digest(self) -> str:
        """Another one where a word of the case is another: results of both are not compared."""
        text = orjson.dumps(self.model_dump(mode="json", exclude={"why", "id"}), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()[: self.DIGEST_CHARS]

    @property
    def questions(self) -> Sequence[Question]:
        """All that it asks; the first one is what the others are held against."""
        if self.kind == "counterfactual":
            return [
                Question(text=self._filled(template, {self.attribute: value}), value=value, facts=(*self.facts, *own))
                for template in self.group or (self.ask,)
                for value, own in self.values.items()
            ]
        texts = list(self.group) or [self.ask]
        if self.fill:
            fillers = [dict(zip(self.fill, it, strict=True)) for it in product(*self.fill.values())]
            texts = [self._filled(text, it) for text in texts for it in fillers]
        if self.then:
            return [Question(text=self.ask, facts=self.facts), Question(text=self.then)]
        return [Question(text=text, facts=self.facts) for text in texts]

    PLACEHOLDER: ClassVar = re.compile(r"\{(\w+)\}")

    @classmethod
    def _filled(cls, template: str, fillers: Mapping[str, str]) -> str:
        return cls.PLACEHOLDER.sub(lambda found: fillers.get(found[1], found[0]), template)
