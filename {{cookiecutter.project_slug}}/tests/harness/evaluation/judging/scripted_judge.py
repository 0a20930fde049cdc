"""A judge that reads the figures of an answer and looks for them in the facts, or misbehaves where an answer says so.

It speaks to our own judge, to Ragas and to TruLens. An answer with a word of `MODES` in brackets, such as `[prose]`,
gets that instead of a judgement, every time.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from tests.support.peers.openai_replies import Body, Failure, Hang, Reply, Request, Text, ToolCalls

MODES: Final[Mapping[str, Callable[[], Reply]]] = {
    "prose": lambda: Text("Sure! I think that it is quite good, for it fits well."),
    "empty": lambda: Text(""),
    "shape": lambda: Text('{"verdict": "yes"}'),
    "truncated": lambda: Text('{"reason": "it is s', finish="length"),
    "http500": lambda: Failure(500),
    "http429": lambda: Failure(429),
    "html": lambda: Body(b"<html>a proxy</html>", content_type="text/html"),
    "hang": Hang,
}
"""How a judge may fail, by the word that makes it."""

FENCED: Final = "fenced"
"""A judgement in words around a fence of Markdown: it can be read."""


class ScriptedJudge:
    """Gives 1 to what the facts hold up, and 0 to what they do not."""

    AGAIN: Final = "Convert the following text into a strict JSON object"
    """TruLens shows a judge what it could not read, and asks for it in JSON: it hears the same again."""

    def __init__(self, labels: Mapping[str, float] | Callable[[str], float] | None = None) -> None:
        """Give our own judge's scores as `labels` has them by answer, or as a function of it; None: by the figures."""
        self._labels = labels

    def __call__(self, request: Request) -> Reply:
        said = "\n".join(str(it["content"]) for it in request.messages)
        if self.AGAIN in said:
            return Text(str(request.messages[-1]["content"]))
        mark = re.search(r"\[(\w+)\]", self._judged(said))
        mode = mark[1] if mark else ""
        if mode in MODES:
            return MODES[mode]()
        form = request.tools[0] if request.tools else ""
        given = self._filled(form, said) if form else self._line(said)
        text = orjson.dumps(given).decode()
        if mode == FENCED:
            return Text(f"Here you are:\n```json\n{text}\n```\nI hope that it helps.")
        return ToolCalls([(form, given)]) if form else Text(text)

    @staticmethod
    def _judged(said: str) -> str:
        """What is judged, without instructions and examples, which have brackets of their own."""
        return re.split(r"Now perform the same|RELEVANT to the entirety|SOURCE: |<question ", said)[-1]

    def _filled(self, form: str, said: str) -> dict[str, Any]:
        if form == "Grade":
            parts = dict(re.findall(r"<(\w+) \w+: data[^>]*>\n(.*?)\n</", said, re.DOTALL))
            return {"reason": "so it is", "score": self._score(parts)}
        given = orjson.loads(said[said.rindex("input: ") + len("input: ") : said.rindex("Output:")])
        match form:
            case "StatementGeneratorOutput":
                return {"statements": [given["answer"]]}
            case "NLIStatementOutput":
                verdicts = [(it, int(self._holds(given["context"], it))) for it in given["statements"]]
                return {"statements": [{"statement": it, "reason": "so", "verdict": is_so} for it, is_so in verdicts]}
            case "AnswerRelevanceOutput":
                return {"question": f"What is {given['response']}?", "noncommittal": 0}
        raise ValueError(f"nobody asks for {form}")

    def _score(self, parts: Mapping[str, str]) -> float:
        if self._labels is None:
            return float(self._holds(parts["facts"] + parts["question"], parts["answer"]))
        return self._labels(parts["answer"]) if callable(self._labels) else self._labels[parts["answer"]]

    def _line(self, said: str) -> dict[str, Any]:
        if found := re.search(r"SOURCE: (.*?)\n\nSTATEMENT: (.*?)\n\nRespond", said, re.DOTALL):
            return {"criteria": found[2], "supporting_evidence": "so", "score": 3 * self._holds(found[1], found[2])}
        return {"criteria": "it fits", "supporting_evidence": "so", "score": 3}

    @staticmethod
    def _holds(facts: str, statement: str) -> bool:
        return {*re.findall(r"\d[\d.,]*\d|\d", statement)} <= {*re.findall(r"\d[\d.,]*\d|\d", facts)}
