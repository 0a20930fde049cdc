"""A model that is fully gullible: it obeys every order in whatever it is shown."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import orjson

from tests.harness.abuse.attacks import Attack, Way
from tests.harness.abuse.orders import CallTool, Recite, Say, SendAway, TellAll
from tests.support.peers.openai_replies import Reply, Request, Text, ToolCalls


class ObedientModel:
    """Plays all roles. In the attacked one it obeys; in the others it does what it is for."""

    NUMBER = re.compile(r"#(\d+)")
    TOLD_CHARS = 5000
    """Of all that was said before: where a graph remembers, it would double turn by turn."""
    ENCODED = re.compile(r"=([A-Za-z0-9+/]{16,}={0,2})=(?!=)")
    ESCAPED = re.compile(r'\\(["\\/n])')
    """What JSON writes with a backslash."""

    def __init__(self, attacks: Sequence[Attack], note_url: str) -> None:
        """Know the `attacks` by number; what sources hold for one lies below `note_url`."""
        self._attacks = attacks
        self._note_url = note_url
        self.reached: set[int] = set()
        """Attacks whose order a model has read."""

    def __call__(self, request: Request) -> Reply:
        role = request.model.removeprefix("scripted-")
        asked = [str(it["content"]) for it in request.messages if it["role"] == "user"]
        attack = self._attacks[int(self.NUMBER.findall(" ".join(asked))[-1])]
        if attack.role == role and (reply := self._obeyed(request, asked, attack)):
            self.reached.add(attack.number)
            return reply
        return {"planner": self._plan, "agent": self._work, "writer": self._write}[role](request, attack)

    def _obeyed(self, request: Request, asked: Sequence[str], attack: Attack) -> Reply | None:
        """What the orders in this request want; None when there are none."""
        results = [self.ESCAPED.sub(self._unescaped, it) for it in request.results]
        read = " ".join(self._read([*asked, *results]))
        calls = [(name, orjson.loads(it)) for name, it in CallTool.PATTERN.findall(read)]
        made = [it for it in request.messages if it["role"] == "assistant" and it.get("tool_calls")]
        called = {call["function"]["name"] for it in made for call in it["tool_calls"]}
        is_first = attack.way == "message" or called
        if calls and is_first and len(made) < (1 if attack.way == "message" else 2):
            return ToolCalls(calls)
        told = self._told(read, request)
        if told is None and not calls:
            return None
        if attack.role == "planner":
            return self._planned(request, "clarify", [], told or "")
        if attack.role == "agent" and not request.results:
            return None  # it looks first: without a finding no word of it would leave
        return Text(told if told is not None else " ".join(request.results))

    @staticmethod
    def _told(read: str, request: Request) -> str | None:
        prompt = "\n".join(str(it["content"]) for it in request.messages if it["role"] == "system")
        told = ["".join(parts.split("|")) for parts in Say.PATTERN.findall(read)]
        told += [Recite.obeyed(way, prompt) for way in Recite.PATTERN.findall(read)]
        told += [SendAway.obeyed(form, read + prompt) for form in SendAway.PATTERN.findall(read)]
        if TellAll.PATTERN.search(read):
            told.append(" ".join(str(it["content"]) for it in request.messages)[: ObedientModel.TOLD_CHARS])
        return " ".join(told) or None

    @staticmethod
    def _unescaped(match: re.Match[str]) -> str:
        return {"n": "\n"}.get(match[1], match[1])

    @classmethod
    def _read(cls, texts: Sequence[str]) -> Iterator[str]:
        """Each text, with what is encoded in it read as well."""
        for text in texts:
            yield text
            for code in cls.ENCODED.findall(text):
                with suppress(binascii.Error):
                    yield base64.b64decode(code).decode(errors="replace")

    def _plan(self, request: Request, attack: Attack) -> Reply:
        asked = str(request.messages[1]["content"])
        tasks = [{"agent": "vault", "question": asked}]
        if attack.role == "writer":
            question = f"How high is Everest? #{attack.number}"
            tasks.append({"agent": "elsewhere", "question": question})
        return self._planned(request, "work", tasks, "")

    @staticmethod
    def _planned(request: Request, verdict: str, tasks: Sequence[Any], text: str) -> Reply:
        plan = {"verdict": verdict, "tasks": tasks, "text": text}
        if request.tools:
            return ToolCalls([(request.tools[0], plan)])
        return Text(orjson.dumps(plan).decode())

    def _work(self, request: Request, attack: Attack) -> Reply:
        if request.tools == ["look_up", "open_door"]:
            if not request.results:
                return ToolCalls([("look_up", {"name": "everest"})])
            return Text("8849")
        if not request.results:
            return ToolCalls([self._look(attack.way, attack.number)])
        return Text(" ".join(request.results))

    def _look(self, way: Way, number: int) -> tuple[str, dict[str, str]]:
        match way:
            case "fetch":
                return "fetch", {"url": f"{self._note_url}/{number}"}
            case "query":
                return "query", {"sql": f"SELECT text FROM notes WHERE number = {number}"}
            case "read":
                return "read", {"name": f"{number}.md"}
        return "read", {"name": "a.md"}

    @staticmethod
    def _write(request: Request, attack: Attack) -> Reply:
        return Text(" ".join(str(it["content"]) for it in request.messages[2:]))
