"""How it can fail: one class for each thing that a caller or operator can do about it.

Each error holds two texts: `detail` is for the caller, `str(error)` is for the log. `status` is what it
means over HTTP; the other transports translate from there.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, Literal


class ServiceError(Exception):
    """Root of everything that this service raises on purpose."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    title = "The request could not be served"
    detail = "Something failed on our side."

    retry_after_seconds: int | None = None
    """When a second try makes sense; None: it does not, or nobody knows."""

    log_text = "{}"
    """`str(error)`, with the reason in the braces."""

    def __init__(self, reason: Any = "", *, about: str = "") -> None:
        """`reason` is for the log: a caller does not see it; `about` goes before it there."""
        self.reason = reason
        super().__init__(about + self.log_text.format(reason))

    @property
    def headers(self) -> Mapping[str, str]:
        """What an HTTP answer adds (RFC 9110, section 10.2.3)."""
        seconds = self.retry_after_seconds
        return {} if seconds is None else {"Retry-After": str(seconds)}

    code: ClassVar[str]
    """Stable name for machines: `InputRefused` -> `input-refused`, or one that callers have known."""

    def __init_subclass__(
        cls, status: HTTPStatus | None = None, code: str = "", retry_after_seconds: int | None = None
    ) -> None:
        """What is not given is the base's; the code is the name's own."""
        cls.status = status or cls.status
        cls.code = code or "-".join(re.findall("[A-Z][a-z]*", cls.__name__)).lower()
        cls.retry_after_seconds = retry_after_seconds or cls.retry_after_seconds


class ConfigurationError(ServiceError, code="misconfigured"):
    """The settings cannot work together; all problems are listed at once, no value is shown."""

    title = "The service is misconfigured"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class InputRefused(ServiceError, status=HTTPStatus.UNPROCESSABLE_ENTITY):
    """The request breaks a stated bound; `detail` names the field and the remedy."""

    title = "The request was refused"

    def __init__(self, field: str, problem: str) -> None:
        self.detail = f"{field}: {problem}"
        super().__init__(self.detail)


class ClarificationNeeded(ServiceError, status=HTTPStatus.UNPROCESSABLE_ENTITY, code="needs-detail"):
    """The question lacks something; `question` asks for it in the user's language."""

    title = "More detail is needed"

    def __init__(self, question: str) -> None:
        self.question = self.detail = question
        super().__init__(question)


class SourceUnavailable(ServiceError, status=HTTPStatus.BAD_GATEWAY):
    """A data source failed, or answered with something that is not its format."""

    title = "A data source is unavailable"

    def __init__(self, source: str, reason: str) -> None:
        self.source = source
        self.detail = f"The source {source} is unavailable."
        super().__init__(reason, about=f"{source}: ")


class PolicyViolation(ServiceError, code="access-refused"):
    """Something outside an agent's policy was asked for; nothing was run, sent or opened.

    It does not hold what was asked for: that comes from a model, and this goes into the log.
    """

    title = "Access refused"
    detail = "The service may not reach this resource."

    def __init__(
        self,
        kind: Literal["tool", "definition", "model", "approval", "host", "method", "address", "file", "table"],
        remedy: str,
    ) -> None:
        self.kind = kind
        self.remedy = remedy
        super().__init__(f"this {kind} is outside the policy: {remedy}")


class ApprovalNeeded(ServiceError, status=HTTPStatus.CONFLICT):
    """A call would change something, and waits for a person; `detail` is for the model that made it."""

    title = "A person must approve this"
    detail = "Not done yet: a person must approve this call first. It waits for that; do not call it again."

    def __init__(self, findings: Sequence[Any] = ()) -> None:
        self.findings = findings
        """What the agent's other tools found."""
        super().__init__("a call waits for its approval")


class ApprovalUnknown(ServiceError, status=HTTPStatus.NOT_FOUND):
    """Nothing waits under this id in a conversation of this caller's: it never did, or was withdrawn."""

    title = "Nothing waits for this decision"
    detail = "Nothing waits under this id: it never did, or a later message has withdrawn it."
    log_text = "no such call waits"


class ApprovalDecided(ServiceError, status=HTTPStatus.CONFLICT):
    """The call was decided before: the other way, or by a process that ended before it could tell."""

    title = "It was decided before"
    detail = "This was decided before; look at what has become of it before you ask anew."
    log_text = "a decision was taken before"


class ApprovalExpired(ServiceError, status=HTTPStatus.GONE):
    """The call waited longer than APPROVAL_TTL_SECONDS; nothing was done."""

    title = "It has waited too long"
    detail = "This has waited too long and was not done; ask anew."
    log_text = "waited too long: APPROVAL_TTL_SECONDS"


class Unauthenticated(ServiceError, status=HTTPStatus.UNAUTHORIZED):
    """No credentials, or none that count. The caller is not told why: that would help to guess."""

    title = "Authentication is required"
    detail = "Send a valid API key or access token."
    log_text = "caller refused: {}"

    def __init__(self, reason: str, *, has_credentials: bool = True) -> None:
        self._has_credentials = has_credentials
        super().__init__(reason)

    @property
    def headers(self) -> Mapping[str, str]:
        """The challenge (RFC 6750, section 3): no error where nothing was sent."""
        error = ' error="invalid_token"' if self._has_credentials else ""
        return {"WWW-Authenticate": f"Bearer{error}"}


class ScopeMissing(ServiceError, status=HTTPStatus.FORBIDDEN):
    """The caller is known, and may not do this."""

    title = "The scope is missing"
    log_text = "scope {}"

    def __init__(self, scope: str) -> None:
        self.detail = f"Your key or token does not have the scope {scope}."
        super().__init__(scope)

    @property
    def headers(self) -> Mapping[str, str]:
        """The scope that is needed (RFC 6750, section 3)."""
        return {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{self.reason}"'}


class AccountUnverified(ServiceError, status=HTTPStatus.FORBIDDEN):
    """The token is good, but its account has no verified address: OIDC_REQUIRE_VERIFIED."""

    title = "The account is not verified"
    log_text = "no verified {}: OIDC_REQUIRE_VERIFIED"

    def __init__(self, wanted: str) -> None:
        self.detail = f"Verify your {wanted} with the provider of your account, then sign in again."
        super().__init__(wanted)


class IdentityUnavailable(ServiceError, status=HTTPStatus.SERVICE_UNAVAILABLE, retry_after_seconds=2):
    """The provider of identities gives no keys to check a token with."""

    title = "Callers cannot be identified"
    detail = "Access tokens cannot be checked right now; try again."
    log_text = "OIDC provider: {}"


class RateLimitExceeded(ServiceError, status=HTTPStatus.TOO_MANY_REQUESTS, code="limit-reached"):
    """A rate or a quota is used up; nothing was begun."""

    title = "A limit is reached"

    def __init__(self, name: str, reset_seconds: int, headers: Mapping[str, str]) -> None:
        self.retry_after_seconds = reset_seconds
        self._headers = headers
        self.detail = f"The limit {name} is used up; try again in {reset_seconds} seconds."
        super().__init__(name)

    @property
    def headers(self) -> Mapping[str, str]:
        """When to try again, and what is left."""
        return {**super().headers, **self._headers}


class LimitsUnavailable(ServiceError, status=HTTPStatus.SERVICE_UNAVAILABLE, retry_after_seconds=2):
    """Rates and quotas are not counted in time: Redis is slow, or away and LIMITS_WITHOUT_REDIS is `refuse`."""

    title = "Limits cannot be checked"
    detail = "Limits cannot be checked right now; try again."
    log_text = "REDIS_URL does not answer: LIMITS_WITHOUT_REDIS"


class ThreadUnknown(ServiceError, status=HTTPStatus.NOT_FOUND):
    """There is no conversation of this name, or none of this caller's."""

    title = "The conversation is unknown"
    detail = "There is no conversation with this id."
    log_text = "thread {}"


class AgentUnknown(ServiceError, status=HTTPStatus.NOT_FOUND):
    """No agent of this name can be asked by itself; `flow` is the worker of which it is a part, if any."""

    title = "The agent is unknown"
    log_text = "agent {}"

    def __init__(self, name: str, flow: str = "") -> None:
        self.detail = "No agent of this name can be asked by itself; /v1/agents lists those that can."
        if flow:
            self.detail = f"{name} works as a part of {flow} alone; ask {flow}, or the service."
        super().__init__(name if flow else "that nobody knows")  # a stranger's text is no part of a log line


class RunUnknown(ServiceError, status=HTTPStatus.NOT_FOUND):
    """There is no answer of this run, none of this caller's, or it was not saved."""

    title = "The answer is unknown"
    detail = "There is no answer with this run_id."
    log_text = "run {}"


class ThreadBusy(ServiceError, status=HTTPStatus.CONFLICT, retry_after_seconds=1):
    """Another turn of the conversation, or the same request, still runs; it was waited for, seconds."""

    title = "The conversation is busy"
    detail = "An earlier message of this conversation is still being answered; try again."
    log_text = "held for more than {:g} s: TURN_WAIT_SECONDS"


class StoreUnavailable(ServiceError, status=HTTPStatus.SERVICE_UNAVAILABLE, retry_after_seconds=2):
    """The store of conversations does not answer just now."""

    title = "Conversations are unavailable"
    detail = "Conversations cannot be read or changed right now; try again."
    log_text = "store of threads: {}"


class Overloaded(ServiceError, status=HTTPStatus.SERVICE_UNAVAILABLE, retry_after_seconds=1):
    """More is under way than there are places for."""

    title = "The service is busy"
    detail = "Too many requests are being answered right now; try again."
    log_text = "no place and no queue left: {}"


class ShuttingDown(ServiceError, status=HTTPStatus.SERVICE_UNAVAILABLE, retry_after_seconds=1):
    """This process ends, and its time for open requests is over."""

    title = "The service is shutting down"
    detail = "This process is shutting down; send the request again."
    log_text = "ended with the process: SHUTDOWN_GRACE_SECONDS"


class BudgetExceeded(ServiceError, status=HTTPStatus.TOO_MANY_REQUESTS):
    """A run asked for one more than it may use. It becomes a degraded answer, no failure."""

    title = "The run is over its budget"

    def __init__(self, used: str, limit: int, setting: str) -> None:
        self.detail = f"No more {used} in this run; answer with what is there."
        super().__init__(f"{limit} {used} are used: {setting}")


class ModelUnavailable(ServiceError, status=HTTPStatus.SERVICE_UNAVAILABLE):
    """No model gave a usable answer."""

    title = "The model is unavailable"
    detail = "No language model is available; try again later."

    def __init__(self, role: str, reason: str) -> None:
        super().__init__(reason, about=f"{role}: ")
