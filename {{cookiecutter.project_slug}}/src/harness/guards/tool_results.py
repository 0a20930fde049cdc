"""Takes injections out of the results of tools, text by text, before a model reads them."""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any, Final

from ..prompts.messages import Messages
from ..run_context import RunContext
from .injection_guard import Detection, InjectionGuard


class ToolResults:
    """Looks through the result of a tool before a model, or the agent's own rules, read it."""

    FEW: Final = 16
    """Texts that detectors are asked about one by one; a guess. Of more, all are withheld."""

    PLAIN: Final = re.compile(r"[0-9A-Za-z\u00c0-\u024f_.:+-]{0,20}")
    """A name, a date, a code: it tells nobody anything, and goes through where none is to blame alone."""

    def __init__(self, guard: InjectionGuard) -> None:
        self._guard = guard

    async def sanitize(self, result: Any) -> Any:
        """`result` itself when nothing in it is suspicious, else a copy with notices in it."""
        texts = list(dict.fromkeys(self._texts(result)))
        detection = self._guard.by_rules(self._joined(texts))
        attacks = self._by_rules(texts, detection) if detection else set()
        rest = [text for text in texts if text not in attacks]
        if more := await self._guard.by_detectors(self._joined(rest), "tool_result"):
            detection = detection if attacks else more
            attacks |= await self._by_detectors(rest, more)
        if not attacks or not detection or self._guard.decide(detection, "tool_result") is None:
            return result
        notice = Messages.WITHHELD.format(RunContext.current().language)
        return self._replaced(result, lambda text: notice if text in attacks else text)

    def _joined(self, texts: Sequence[str]) -> str:
        return self._guard.SEPARATOR.join(texts)

    def _by_rules(self, texts: Sequence[str], whole: Detection) -> set[str]:
        """Those that may not pass; where only all together say it, those that can tell something.

        None, where the weights of many harmless texts add up to what one would be refused for.
        """
        if whole.by == "failure":
            return {*self._telling(texts)}
        if attacks := {text for text in texts if self._guard.by_rules(text)}:
            return attacks
        if not self._guard.is_split(texts):
            return set()
        telling = self._telling(texts)
        plain = [text for text in texts if text not in telling]
        return set(texts) if self._guard.is_split(plain) else {*telling}

    async def _by_detectors(self, texts: Sequence[str], whole: Detection) -> Set[str]:
        """Those that may not pass; all that can tell something, where none of them is to blame alone."""
        telling = self._telling(texts)
        if whole.by == "failure" or len(telling) > self.FEW:
            return {*telling}
        each = await asyncio.gather(
            *(self._guard.by_detectors(it, "tool_result") for it in telling)
        )
        return {text for text, it in zip(telling, each, strict=True) if it} or {*telling}

    def _telling(self, texts: Sequence[str]) -> Sequence[str]:
        return [text for text in texts if not self.PLAIN.fullmatch(text)]

    @classmethod
    def _texts(cls, value: Any) -> Iterator[str]:
        """Every text in a JSON value, names of fields too: they may be a stranger's."""
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                yield str(name)
                yield from cls._texts(inner)
        elif isinstance(value, list | tuple | set | frozenset):
            for inner in value:
                yield from cls._texts(inner)

    @classmethod
    def _replaced(cls, value: Any, change: Callable[[str], str]) -> Any:
        if isinstance(value, str):
            return change(value)
        if isinstance(value, Mapping):
            return {change(str(k)): cls._replaced(v, change) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [cls._replaced(inner, change) for inner in value]
        return value
