"""What tools bring back is data: a text in it that wants to be obeyed is taken out, and only that."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any, Final

from ..prompts.phrases import Phrases
from ..prompts.speaking import Speaking
from .injection_guard import InjectionGuard, Suspicion


class ToolResults:
    """Looks through the result of a tool before a model, or the agent's own rules, read it."""

    FEW: Final = 16
    """Texts that detectors are asked about one by one; a guess. Of more, all are withheld."""

    WORDS: Final = " "
    """What a text has that can tell somebody anything."""

    def __init__(self, guard: InjectionGuard) -> None:
        self._guard = guard

    async def harmless(self, result: Any) -> Any:
        """`result` itself when nothing in it is suspicious, else a copy with notices in it."""
        texts = list(dict.fromkeys(self._texts(result)))
        whole = await self._guard.suspicion(self._guard.APART.join(texts), "tool_result")
        if whole is None:
            return result
        suspicious = await self._suspicious([it for it in texts if self.WORDS in it], whole)
        if not suspicious or self._guard.decision(whole, "tool_result") is None:
            return result
        notice = Phrases.WITHHELD.say(Speaking.language())
        return self._replaced(result, lambda text: notice if text in suspicious else text)

    async def _suspicious(self, texts: Sequence[str], whole: Suspicion) -> Set[str]:
        """Those of `texts` that may not pass. All, where none of them is to blame alone."""
        if whole.by == "failure" or (whole.by == "detector" and len(texts) > self.FEW):
            return set(texts)
        each = await asyncio.gather(*(self._guard.suspicion(it, "tool_result") for it in texts))
        found = {text for text, it in zip(texts, each, strict=True) if it}
        # The weights of many harmless texts may add up to what one of them would be refused for.
        is_by_all = whole.by == "detector" or self._guard.is_split(texts)
        return found or (set(texts) if is_by_all else found)

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
