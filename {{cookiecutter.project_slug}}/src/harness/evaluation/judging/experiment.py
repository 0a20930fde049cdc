"""The cases as a dataset in LangSmith, recorded runs with their scores as an experiment on it; or both right here.

`langsmith.evaluate` with uploading tells the author's e-mail address of the last commit, so runs are posted one by one.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any, ClassVar
from uuid import UUID, uuid5

import langsmith
import orjson
from langsmith.run_trees import RunTree
from langsmith.schemas import Example

from ...errors import ConfigurationError
from ..cases import Case
from ..recorded import RecordedRun
from .metric import Score


class Experiment:
    """One dataset, and experiments on it. Doing it twice adds nothing."""

    LOCAL: ClassVar = "here"
    """The address of the client of a local run: none, so that nothing can be looked up."""

    COMPLETE: ClassVar = "complete"
    """In the metadata of an experiment that was taken whole."""

    DIGITS: ClassVar = 8
    """Of the digest that names an experiment: two of a thousand share it once in 10,000 projects."""

    NAMESPACE: ClassVar = UUID(int=14)
    """Of the ids that are made here."""

    def __init__(self, client: langsmith.Client, masked: Callable[[dict[str, Any]], dict[str, Any]], name: str) -> None:
        """Over `client`, which masks runs itself; `masked` does the same to examples, which it sends as they are."""
        self._client = client
        self._masked = masked
        self._name = name
        self.failures: list[Exception] = []
        """What the client could not send: its maker tells it to add them here."""

    @classmethod
    def local_client(cls) -> langsmith.Client:
        """A client that reaches nothing."""
        return langsmith.Client(api_url=cls.LOCAL, api_key=cls.LOCAL, auto_batch_tracing=False)

    def update_dataset(self, cases: Sequence[Case]) -> dict[str, int]:
        """Bring the dataset to what the cases say; how many examples were added, changed, and there already."""
        dataset = next(self._client.list_datasets(dataset_name=self._name), None)
        dataset = dataset or self._client.create_dataset(self._name, description="Cases of `evaluate`")
        there = {it.id: (it.metadata or {}).get("digest") for it in self._client.list_examples(dataset_id=dataset.id)}
        wanted = {it["id"]: it for it in self._examples(dataset.id, cases)}
        added = [it for key, it in wanted.items() if key not in there]
        changed = [it for key, it in wanted.items() if key in there and there[key] != it["metadata"]["digest"]]
        if added:
            self._client.create_examples(dataset_id=dataset.id, examples=added)
        if changed:
            self._client.update_examples(dataset_id=dataset.id, updates=changed)
        return {"added": len(added), "changed": len(changed), "there": len(wanted) - len(added) - len(changed)}

    def upload(self, runs: Sequence[RecordedRun], scores: Sequence[Score]) -> str:
        """Post the runs and their scores as an experiment; its name, or nothing where it was there already.

        It is there once all of it was taken: another try posts the same runs under the same ids.

        Raises:
            ConfigurationError: Something was not taken.
        """
        told = b"".join([*(run.line for run in runs), orjson.dumps([*scores])])
        name = f"{self._name} {hashlib.sha256(told).hexdigest()[: self.DIGITS]}"
        before = next(self._client.list_projects(name=name), None)
        if before and (before.extra or {}).get("metadata", {}).get(self.COMPLETE):
            return ""
        dataset = self._client.read_dataset(dataset_name=self._name)
        metadata = {"model": sorted({run.model for run in runs}), "prompts": runs[0].prompts if runs else {}}
        project = before or self._client.create_project(name, reference_dataset_id=dataset.id, metadata=metadata)
        known = {it.id for it in self._client.list_examples(dataset_id=dataset.id)}
        for run in runs:
            if (example := self._id(dataset.id, run.case, run.variant)) in known:
                self._post(run, name, example, project.id, [it for it in scores if self._key(it) == run.key])
        self._client.flush()
        if self.failures:
            kinds = ", ".join(sorted({type(it).__name__ for it in self.failures}))
            raise ConfigurationError([f"LangSmith has not taken the whole experiment ({kinds}); upload it again"])
        self._client.update_project(project.id, name=name, metadata={**metadata, self.COMPLETE: True})
        return name

    def run_locally(self, cases: Sequence[Case], runs: Sequence[RecordedRun], scores: Sequence[Score]) -> list[Score]:
        """The same by `langsmith.evaluate` with nothing sent: what it has as the score of each row."""
        dataset, now = uuid5(self.NAMESPACE, self._name), datetime.now(UTC)
        examples = {it["id"]: it for it in self._examples(dataset, cases)}
        by_id: dict[UUID, RecordedRun] = {}
        data = []
        for run in runs:
            if example := examples.get(self._id(dataset, run.case, run.variant)):
                key = uuid5(example["id"], str(run.sample))
                by_id[key] = run
                inputs = {**example["inputs"], "id": str(key)}
                outputs = example["reference_outputs"]
                data.append(Example(id=key, dataset_id=dataset, created_at=now, inputs=inputs, outputs=outputs))

        def evaluator(example: Any) -> dict[str, Any]:
            mine = [it for it in scores if self._key(it) == by_id[example.id].key]
            return {"results": [{"key": it.metric, "score": it.score, "comment": it.reason} for it in mine]}

        def target(inputs: dict[str, Any]) -> dict[str, Any]:
            return self._outputs(by_id[UUID(inputs["id"])])

        with warnings.catch_warnings(), redirect_stdout(StringIO()):  # it prints a greeting
            warnings.filterwarnings("ignore", message=".*upload_results")  # it is a beta of theirs
            told = langsmith.evaluate(
                target, data=data, evaluators=[evaluator], client=self._client, upload_results=False
            )
            rows = [(row["example"].id, it) for row in told for it in row["evaluation_results"]["results"]]
        scored = [(key, it, it.score if isinstance(it.score, int | float) else None) for key, it in rows]
        return [Score(it.key, *by_id[key].key, score, it.comment or "") for key, it, score in scored]

    def _post(self, run: RecordedRun, name: str, example: UUID, project: UUID, scores: Sequence[Score]) -> None:
        begun = datetime.now(UTC) - timedelta(seconds=run.seconds)
        tree = RunTree(
            id=uuid5(example, f"{name}/{run.sample}"),
            name=run.kind,
            inputs={"question": run.question},
            outputs=self._outputs(run),
            start_time=begun,
            end_time=begun + timedelta(seconds=run.seconds),
            session_name=name,
            reference_example_id=example,
            extra={"metadata": {"run_id": run.run_id, "sample": run.sample, "tokens": run.tokens}},
            ls_client=self._client,
        )
        tree.post()
        for it in scores:
            comment = it.reason and self._masked({"comment": f"not measured: {it.reason}"})["comment"]
            key = uuid5(tree.id, it.metric)
            self._client.create_feedback(
                tree.id, it.metric, score=it.score, comment=comment, feedback_id=key, session_id=project
            )

    @staticmethod
    def _outputs(run: RecordedRun) -> dict[str, Any]:
        return run.model_dump(mode="json", include={"answer", "agents", "facts", "verdict", "degraded"})

    def _examples(self, dataset: UUID, cases: Sequence[Case]) -> Iterator[dict[str, Any]]:
        """Each question of each case, masked."""
        for case in cases:
            expected = case.model_dump(mode="json", include={"agents", "absent", "verdict", "language"})
            for at, question in enumerate(case.questions):
                yield {
                    "id": self._id(dataset, case.id, at),
                    "inputs": self._masked({"question": question.text}),
                    "reference_outputs": self._masked({**expected, "facts": [*question.facts]}),
                    "metadata": {"case": case.id, "kind": case.kind, "digest": case.digest},
                }

    @staticmethod
    def _id(dataset: UUID, case: str, variant: int) -> UUID:
        return uuid5(dataset, f"{case}/{variant}")

    @staticmethod
    def _key(score: Score) -> tuple[str, int, int]:
        return score.case, score.variant, score.sample
