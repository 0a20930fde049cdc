"""An answer in the forms of chat completions: whole, in chunks, and as an error."""

import time
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from uuid import uuid4

import orjson

from ...http.failures import Failure
from ...http.streaming import Frames
from ...runtime.replies import Event


class Errors:
    """Errors as its clients read them; they tell nothing of a problem document."""

    WITHDRAWN: Final[Mapping[str, Any]] = {
        "message": "The answer was changed after a part of it was sent, which counts for nothing. "
        "Ask again, without `stream`.",
        "type": "server_error",
        "param": None,
        "code": "answer_withdrawn",
    }

    @staticmethod
    def of(failure: Failure) -> dict[str, Any]:
        """The member `error`."""
        param = next((it.field for it in failure.errors), None)
        words = failure.words
        return {"message": failure.text, "type": words.openai_type, "param": param, "code": words.openai_code}

    @classmethod
    def write(cls, failure: Failure) -> tuple[bytes, str]:
        """The body of a refusal."""
        return orjson.dumps({"error": cls.of(failure)}), "application/json"


class Completions:
    """What the parts of an answer are called."""

    OURS: Final = (
        *("thread_id", "run_id", "language", "agents", "sources", "grounding"),
        *("approvals", "degraded", "degraded_because", "notices"),
    )
    """Members of a `Reply` that OpenAI has no name for; its clients hand them on as they are."""

    @staticmethod
    def head(model: str, kind: str) -> dict[str, Any]:
        """What a completion, or each chunk of one, begins with."""
        return {"id": f"chatcmpl-{uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}

    @classmethod
    def ours(cls, reply: Mapping[str, Any]) -> dict[str, Any]:
        """What else a reply has to say."""
        return {name: reply[name] for name in cls.OURS if name in reply}

    @staticmethod
    def usage(reply: Mapping[str, Any]) -> dict[str, int]:
        """Tokens, by the providers' own count."""
        used = reply.get("usage") or {}
        read, written = used.get("input_tokens", 0), used.get("output_tokens", 0)
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}

    @classmethod
    def whole(cls, model: str, reply: Mapping[str, Any]) -> dict[str, Any]:
        """`reply` as one document."""
        message = {"role": "assistant", "content": reply["answer"], "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        head = cls.head(model, "chat.completion")
        return {**head, "choices": [choice], "usage": cls.usage(reply), **cls.ours(reply)}


class CompletionFrames(Frames):
    """Chunks of one answer.

    This protocol can take nothing back. After `withdrawn` no piece is sent: the end either goes on from what
    was sent, or is an error, so that no client takes half of a failed answer for a whole one.
    """

    DONE: ClassVar = b"data: [DONE]\n\n"

    def __init__(self, model: str, *, has_usage: bool) -> None:
        """Those of `model`; with a chunk of the usage where the client asked for it."""
        self._head = Completions.head(model, "chat.completion.chunk")
        self._has_usage = has_usage
        self._has_begun = False
        self._is_withdrawn = False
        self._sent = ""

    def of(self, event: Event) -> bytes:
        """The role before all, each piece, and the end."""
        frames = b"" if self._has_begun else self._chunk({"role": "assistant", "content": ""})
        self._has_begun = True
        match event["event"]:
            case "token" if not self._is_withdrawn:
                frames += self._piece(event["data"]["text"])
            case "withdrawn":
                self._is_withdrawn = bool(self._sent)
            case "final":
                frames += self._end(event["data"])
        return frames

    def of_failure(self, failure: Failure) -> bytes:
        """An error in place of the end: `[DONE]` does not come."""
        return self.frame({"error": Errors.of(failure)})

    def _piece(self, text: str) -> bytes:
        self._sent += text
        return self._chunk({"content": text}) if text else b""

    def _end(self, reply: Mapping[str, Any]) -> bytes:
        answer: str = reply["answer"]
        rest = "" if answer.strip() == self._sent.strip() else answer.removeprefix(self._sent)
        if rest == answer and self._sent:
            return self.frame({"error": Errors.WITHDRAWN})
        frames = self._piece(rest)
        frames += self._chunk({}, "stop", **Completions.ours(reply))
        if self._has_usage:
            frames += self.frame({**self._head, "choices": [], "usage": Completions.usage(reply)})
        return frames + self.DONE

    def _chunk(self, delta: Mapping[str, Any], finish_reason: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        usage = {"usage": None} if self._has_usage else {}
        return self.frame({**self._head, "choices": [choice], **usage, **more})
