"""Reads runs out of the store, where a reply has no facts and the last checkpoint of a run has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig

from ..errors import RunUnknown
from ..guards.personal_data import PiiRules
from ..runtime.state import TaskResults, Verdict
from ..storage.store import Store
from ..telemetry.redaction import Redactor


@dataclass(frozen=True)
class RunReader:
    """What a run left, without secrets and without the personal data that PERSONAL_DATA_IN masks."""

    store: Store
    redactor: Redactor
    personal: PiiRules

    async def read(self, thread: str, run_id: str) -> dict[str, Any]:
        """The fields of a `RecordedRun` that a store has, of a run in the thread of this key.

        Raises:
            RunUnknown: There is none: it was not saved, or is deleted.
            StoreUnavailable: The store is away.
        """
        config = RunnableConfig(configurable={"thread_id": thread, "checkpoint_ns": ""})
        async for saved in self.store.saver.alist(config, filter={"run_id": run_id}):
            values = saved.checkpoint["channel_values"]
            if "answer" in values:
                return self._fields(values)
        raise RunUnknown(run_id)

    def _fields(self, values: Any) -> dict[str, Any]:
        results = TaskResults(values).all
        facts = [
            {"agent": it["agent"], "source": [source["url"] for source in it["sources"]], "fact": fact}
            for it in results
            for fact in it["facts"]
        ]
        texts = {name: values.get(name) or "" for name in ("question", "draft", "answer")}
        return {
            **{name: self.personal.hidden(self.redactor.text(text)) for name, text in texts.items()},
            "language": values["language"],
            "verdict": self._verdict(values["plan"]["verdict"], results),
            "agents": [*dict.fromkeys(it["agent"] for it in results)],
            "facts": Redactor.map_texts(self.redactor.value(facts), self.personal.hidden),
            "degraded": sorted(set(values["degraded"])),
        }

    @staticmethod
    def _verdict(planned: Verdict, results: list[Mapping[str, Any]] | Any) -> Verdict:
        """What came of it for the caller: an agent may ask back, too, or find nothing."""
        if planned != "work":
            return planned
        states = {it["status"] for it in results}
        if states & {"answered", "waiting"}:
            return "work"
        return "clarify" if "asked" in states else "decline"
