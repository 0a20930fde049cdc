"""Asks the model of the role `grader`: each text once, in bounded time, and every failure has a name."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn, TypeVar

import orjson
from langchain_core.messages import AIMessage, BaseMessage, message_to_dict, messages_from_dict
from pydantic import BaseModel, ValidationError

from ...errors import ConfigurationError, ServiceError
from ...models.answer_form import CUT
from ...models.factory import LLMFactory
from ...settings import EMBEDDED, Settings

Schema = TypeVar("Schema", bound=BaseModel)


class NotMeasured(Exception):
    """There is no score; the text says why."""


class NoGraderScript:
    """The embedded model as judge, which is refused: it could only repeat the rules."""

    def respond(self, *_: Any) -> NoReturn:
        """Judge nothing.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(["the embedded model judges nothing"])


class Said:
    """What the judge has said, by what it was asked: on disk, so that nothing is asked twice.

    Unusable words are kept too, for the same judge would say them again; failures to say anything are not.
    """

    def __init__(self, file: Path | None) -> None:
        """Keep it in `file`, a line an answer; without one, in memory."""
        self._file = file
        whole, end, cut = file.read_bytes().rpartition(b"\n") if file and file.exists() else (b"", b"", b"")
        if file and cut:  # by an interruption: what follows would be its rest
            file.write_bytes(whole + end)
        lines = map(orjson.loads, whole.splitlines())
        self._said: dict[str, Any] = {line["key"]: line["said"] for line in lines}

    def get(self, key: str) -> AIMessage | None:
        """What was said to it, if anything."""
        said = self._said.get(key)
        return messages_from_dict([said])[0] if said else None  # type: ignore[return-value]  # it was one

    def keep(self, key: str, said: AIMessage) -> None:
        """Keep it."""
        self._said[key] = message_to_dict(said)
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("ab") as file:
                line = {"key": key, "said": self._said[key]}
                file.write(orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE))


class JudgeModel:
    """The judge's model, from the service's own factory: its endpoint, its key, its parameters and no others."""

    NEVER: ClassVar = 1000
    """Failures in a row until it is asked no more, the most that the setting takes: one row's must not cost another's."""

    PATIENCE: ClassVar = 2
    """Timeouts of the model that one row may take; a metric may ask ten times."""

    def __init__(self, settings: Settings, file: Path | None = None) -> None:
        """Build the model; `file` keeps what it says.

        Raises:
            ConfigurationError: There is none that could judge.
        """
        self._settings = settings.model_copy(update={"llm_breaker_failures": self.NEVER})
        self.model = settings.llm_grader_model or settings.llm_model
        """As the configuration names it."""
        if self.model == EMBEDDED or settings.disable_llm:
            raise ConfigurationError(["LLM_GRADER_MODEL: set a model of a provider; the embedded model judges nothing"])
        self._factory = LLMFactory(self._settings, ["grader"])
        self.chat = self._factory.for_role("grader", NoGraderScript())
        self.said = Said(file)
        self.calls = 0
        """Times that the model was asked; what was known already is none."""

    @property
    def row_seconds(self) -> float:
        """Longest time of one metric over one run."""
        return self._settings.llm_timeout_seconds * self.PATIENCE

    def key(self, words: Sequence[tuple[str, str]], form: str, nth: int) -> str:
        """Names an asking: another model, parameter, text or form is another one."""
        of = self._settings
        asked = [self.model, of.llm_temperature, of.llm_max_output_tokens, str(of.llm_base_url), form, nth, words]
        return hashlib.sha256(orjson.dumps(asked)).hexdigest()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._factory.aclose()


class Sitting:
    """One metric over one run: what it asks, and until when. A question that fails makes the whole row unmeasured."""

    def __init__(self, judge: JudgeModel) -> None:
        self.loop = asyncio.get_running_loop()
        self.problem = ""
        """Why the first question that failed did."""
        self._judge = judge
        self._until = self.loop.time() + judge.row_seconds
        self._asked: Counter[str] = Counter()

    async def text(self, messages: Sequence[BaseMessage]) -> str:
        """What the judge says in words.

        Raises:
            NotMeasured: It said nothing whole, or too late.
        """
        said = await self._say(messages, [(it.type, str(it.content)) for it in messages], None)
        return str(said.text)

    async def form(
        self, messages: Sequence[BaseMessage], schema: type[Schema], words: Sequence[tuple[str, str]] = ()
    ) -> Schema:
        """The `schema` that the judge fills; `words` name the question where its messages hold marks made by chance.

        Raises:
            NotMeasured: It filled none, or too late.
        """
        said = await self._say(messages, words or [(it.type, str(it.content)) for it in messages], schema)
        if not said.tool_calls:
            raise self._failed("the judge filled no form")
        try:
            return schema.model_validate(said.tool_calls[0]["args"])
        except ValidationError as invalid:
            fields = sorted({".".join(map(str, it["loc"])) or "its form" for it in invalid.errors()})
            raise self._failed(f"the judge filled {', '.join(fields)} wrongly") from None

    async def _say(
        self, messages: Sequence[BaseMessage], words: Sequence[tuple[str, str]], schema: type[BaseModel] | None
    ) -> AIMessage:
        form = orjson.dumps(schema.model_json_schema() if schema else None).decode()
        first = self._judge.key(words, form, 0)
        key = self._judge.key(words, form, self._asked[first])
        self._asked[first] += 1
        if said := self._judge.said.get(key):
            return said
        chat = self._judge.chat
        asked = chat.bind_tools([schema], tool_choice="any") if schema else chat
        try:
            async with asyncio.timeout_at(self._until):
                self._judge.calls += 1
                said = await asked.ainvoke(list(messages))
        except TimeoutError:
            raise self._failed(f"no score within {self._judge.row_seconds:g} s") from None
        except ServiceError as failure:
            raise self._failed(f"the judge gave no answer: {failure.reason}") from None
        except Exception as failure:  # whatever a provider raises
            raise self._failed(f"the judge gave no answer: {type(failure).__name__}") from failure
        if said.response_metadata.get(CUT):
            raise self._failed("the judge's answer was cut")
        self._judge.said.keep(key, said)
        return said

    def _failed(self, why: str) -> NotMeasured:
        self.problem = self.problem or why
        return NotMeasured(why)
