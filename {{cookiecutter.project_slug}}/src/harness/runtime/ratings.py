"""What callers think of the answers they got."""

import time
from typing import Literal

import structlog

from ..errors import InputRefused, RunUnknown
from ..guards.personal_data import PiiRules
from ..settings import Settings
from ..storage.store import Feedback, Store
from ..storage.thread_ref import ThreadRef
from ..telemetry.langsmith import LangSmith
from ..telemetry.metrics import FEEDBACK
from ..telemetry.redaction import Redactor

log = structlog.stdlib.get_logger(__name__)

Rating = Literal["up", "down", "1", "2", "3", "4", "5"]


class Ratings:
    """Saves one rating a run, the last one that its owner gave."""

    def __init__(self, settings: Settings, store: Store, redactor: Redactor, langsmith: LangSmith) -> None:
        self._max_chars = settings.feedback_comment_max_chars
        self._store = store
        self._redactor = redactor
        self._hidden = PiiRules(settings.personal_data_in).hidden
        self._langsmith = langsmith

    async def give(self, owner: str, run_id: str, rating: Rating, comment: str | None) -> None:
        """Save what `owner` thinks of the answer of a run.

        Secrets are taken out of the comment, and so is the personal data that PERSONAL_DATA_IN
        masks or refuses in a message.

        Raises:
            InputRefused: The comment is too long.
            RunUnknown: `owner` got no answer of this run, or it was not saved, or is deleted.
            StoreUnavailable: The store is away.
        """
        if comment and len(comment) > self._max_chars:
            raise InputRefused("comment", f"FEEDBACK_COMMENT_MAX_CHARS={self._max_chars}")
        thread_id = await self._store.find_thread(run_id)
        if thread_id is None or ThreadRef.from_key(thread_id).owner != owner:
            raise RunUnknown(run_id)
        text = self._hidden(self._redactor.text(comment)) if comment else None
        feedback = Feedback(run_id, thread_id, rating, text, time.time())
        if not await self._store.save_feedback(feedback):
            raise RunUnknown(run_id)
        FEEDBACK.labels(rating).inc()
        log.info("feedback", run_id=run_id, rating=rating, has_comment=text is not None)
        self._langsmith.send(feedback.run_id, rating, text)
