"""A classifier behind HTTP as detector, as Hugging Face's text-embeddings-inference serves one."""

import asyncio
from collections.abc import Iterable
from typing import Final

import httpx2
import orjson
from pydantic import BaseModel, TypeAdapter

from ..settings import Settings
from ..sources.body import BoundedBody
from .injection_guard import Origin


class Score(BaseModel):
    """One label and how well it fits."""

    label: str
    score: float


class Classifier:
    """Asks `POST /predict` with `{"inputs": text}`; the answer is a list of labels and scores.

    https://huggingface.github.io/text-embeddings-inference
    """

    name = "classifier"

    MAX_BYTES: Final = 65_536
    """Of an answer; a hundred labels take 5 kB."""

    WINDOW_CHARS: Final = 1500
    """Of a text that are asked about at once: such models read 512 tokens, 3 to 4 characters each."""

    OVERLAP_CHARS: Final = 200
    """Of one part that the next one begins with."""

    AT_ONCE: Final = 32
    """Parts of one text that are asked about at once: a batch of text-embeddings-inference holds
    16,384 tokens unless told otherwise, and beyond 512 requests it refuses, other texts' too."""

    SCORES: Final = TypeAdapter(list[Score])

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet. The address may be a private one: the operator has named it."""
        self._url = str(settings.injection_classifier_url)
        self._label = settings.injection_classifier_label
        self._threshold = settings.injection_classifier_threshold
        key = settings.injection_classifier_key
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        if key:
            self._headers["Authorization"] = f"Bearer {key.get_secret_value()}"
        # The guard has its own clock over the whole call: httpx's starts anew with every byte.
        self._client = httpx2.AsyncClient(timeout=None, follow_redirects=False)

    async def finds(self, text: str, origin: Origin) -> bool:
        """True when the label of attacks has at least the score that is set, in any part of `text`.

        Raises:
            httpx2.HTTPError: No connection, or an answer other than 200.
            ResponseRejected: The answer is too large.
            ValueError: It is no list of labels and scores, or not of this label.
        """
        step = self.WINDOW_CHARS - self.OVERLAP_CHARS
        starts = range(0, max(1, len(text) - self.OVERLAP_CHARS), step)
        parts = (text[start : start + self.WINDOW_CHARS] for start in starts)
        try:
            askers = [self._highest(parts) for _ in range(min(self.AT_ONCE, len(starts)))]
            return max(await asyncio.gather(*askers)) >= self._threshold
        finally:
            parts.close()  # after a failure the others ask about no further part

    async def _highest(self, parts: Iterable[str]) -> float:
        """The highest score of those of `parts` that nobody else takes; 0 where none is left."""
        return max([await self._score(part) for part in parts], default=0.0)

    async def _score(self, part: str) -> float:
        asked = orjson.dumps({"inputs": part, "truncate": True})
        async with self._client.stream(
            "POST", self._url, content=asked, headers=self._headers
        ) as answer:
            if answer.status_code != httpx2.codes.OK:
                raise httpx2.HTTPError(f"HTTP {answer.status_code}")
            body = BoundedBody(answer.headers.get("content-encoding", ""), self.MAX_BYTES)
            content = await body.read(answer.aiter_raw())
        scores = {it.label: it.score for it in self.SCORES.validate_json(content)}
        if self._label not in scores:
            raise ValueError("the classifier does not know INJECTION_CLASSIFIER_LABEL")
        return scores[self._label]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
