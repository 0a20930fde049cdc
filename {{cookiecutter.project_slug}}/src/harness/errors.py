"""How it can fail: the whole tree, and the one table to HTTP.

ServiceError
├── ConfigurationError   the operator mends a setting; the service does not start
├── InputRefused         the caller mends the request
├── ClarificationNeeded  the caller answers a question back (no failure: it becomes the answer)
├── SourceUnavailable    a data source gave nothing usable; the answer names it as missing
├── PolicyViolation      an agent reached for what its policy does not name
├── ApprovalNeeded       a person decides first; the call waits (no failure: it becomes the answer)
├── ApprovalUnknown      nothing waits for a decision under this id
├── ApprovalDecided      the caller asks anew: the call was decided before
├── ApprovalExpired      the caller asks anew: the call waited too long
├── Unauthenticated      the caller sends a valid key or token
├── ScopeMissing         the caller asks whoever gives out keys for one more scope
├── AccountUnverified    the caller verifies the account where it is kept
├── IdentityUnavailable  the caller tries again: who calls cannot be checked just now
├── RateLimitExceeded    the caller waits: a rate or a quota is used up
├── LimitsUnavailable    the caller tries again: rates and quotas cannot be counted
├── ThreadUnknown        there is no such conversation
├── RunUnknown           there is no such answer to be rated
├── ThreadBusy           the caller tries again when the turn that runs is over
├── StoreUnavailable     the caller tries again: the store of conversations is away
├── Overloaded           the caller tries again: everything is busy, nothing was begun
├── ShuttingDown         the caller tries again: another process answers
├── BudgetExceeded       a run asked for more than it may use; what is done is answered
└── ModelUnavailable     the model gave nothing usable; the agent answers from its data alone

Each error holds two texts: `detail` is for the caller, `str(error)` is for the log.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, Literal


class ServiceError(Exception):
    """Root of everything that this service raises on purpose."""

    title = "The request could not be served"
    detail = "Something failed on our side."

    retry_after_seconds: int | None = None
    """When a second try makes sense; None: it does not, or nobody knows."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What an HTTP answer adds (RFC 9110, section 10.2.3)."""
        seconds = self.retry_after_seconds
        return {} if seconds is None else {"Retry-After": str(seconds)}

    code: ClassVar[str]
    """Stable name for machines: `input-refused` for `InputRefused`, unless the class says another."""

    def __init_subclass__(cls) -> None:
        if "code" not in vars(cls):
            words = re.findall("[A-Z][a-z]*", cls.__name__)
            cls.code = "-".join(words).lower()


class ConfigurationError(ServiceError):
    """The settings cannot work together; all problems are listed at once, no value is shown."""

    code = "misconfigured"
    title = "The service is misconfigured"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class InputRefused(ServiceError):
    """The request breaks a stated bound; `detail` names the field and the remedy."""

    title = "The request was refused"

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        self.detail = f"{field}: {problem}"
        super().__init__(self.detail)


class ClarificationNeeded(ServiceError):
    """The question lacks something; `question` asks for it in the user's language."""

    code = "needs-detail"
    title = "More detail is needed"

    def __init__(self, question: str) -> None:
        self.question = question
        self.detail = question
        super().__init__(question)


class SourceUnavailable(ServiceError):
    """A data source failed, or answered with something that is not its format."""

    title = "A data source is unavailable"

    def __init__(self, source: str, reason: str) -> None:
        self.source = source
        self.reason = reason
        self.detail = f"The source {source} is unavailable."
        super().__init__(f"{source}: {reason}")


class PolicyViolation(ServiceError):
    """Something outside an agent's policy was asked for; nothing was run, sent or opened.

    It does not hold what was asked for: that comes from a model, and this goes into the log.
    """

    code = "access-refused"
    title = "Access refused"
    detail = "The service may not reach this resource."

    def __init__(
        self,
        kind: Literal["tool", "approval", "host", "method", "address", "file", "table"],
        remedy: str,
    ) -> None:
        self.kind = kind
        self.remedy = remedy
        super().__init__(f"this {kind} is outside the policy: {remedy}")


class ApprovalNeeded(ServiceError):
    """A call would change something, and waits for a person; `detail` is for the model that made it."""

    title = "A person must approve this"
    detail = "Not done yet: a person must approve this call first. It waits for that; do not call it again."

    def __init__(self, findings: Sequence[Any] = ()) -> None:
        self.findings = findings
        """What the agent's other tools found."""
        super().__init__("a call waits for its approval")


class ApprovalUnknown(ServiceError):
    """Nothing waits under this id in a conversation of this caller's: it never did, or was withdrawn."""

    title = "Nothing waits for this decision"
    detail = "Nothing waits under this id: it never did, or a later message has withdrawn it."

    def __init__(self) -> None:
        super().__init__("no such call waits")


class ApprovalDecided(ServiceError):
    """The call was decided before: the other way, or by a process that ended before it could tell."""

    title = "It was decided before"
    detail = "This was decided before; look at what has become of it before you ask anew."

    def __init__(self) -> None:
        super().__init__("a decision was taken before")


class ApprovalExpired(ServiceError):
    """The call waited longer than APPROVAL_TTL_SECONDS; nothing was done."""

    title = "It has waited too long"
    detail = "This has waited too long and was not done; ask anew."

    def __init__(self) -> None:
        super().__init__("waited too long: APPROVAL_TTL_SECONDS")


class Unauthenticated(ServiceError):
    """No credentials, or none that count. The caller is not told why: that would help to guess."""

    title = "Authentication is required"
    detail = "Send a valid API key or access token."

    def __init__(self, reason: str, *, has_credentials: bool = True) -> None:
        self.reason = reason
        self._has_credentials = has_credentials
        super().__init__(f"caller refused: {reason}")

    @property
    def headers(self) -> Mapping[str, str]:
        """The challenge (RFC 6750, section 3): no error where nothing was sent."""
        error = ' error="invalid_token"' if self._has_credentials else ""
        return {"WWW-Authenticate": f"Bearer{error}"}


class ScopeMissing(ServiceError):
    """The caller is known, and may not do this."""

    title = "The scope is missing"

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.detail = f"Your key or token does not have the scope {scope}."
        super().__init__(f"scope {scope}")

    @property
    def headers(self) -> Mapping[str, str]:
        """The scope that is needed (RFC 6750, section 3)."""
        return {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{self.scope}"'}


class AccountUnverified(ServiceError):
    """The token is good, but its account has no verified address: OIDC_REQUIRE_VERIFIED."""

    title = "The account is not verified"

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        self.detail = f"Verify your {wanted} with the provider of your account, then sign in again."
        super().__init__(f"no verified {wanted}: OIDC_REQUIRE_VERIFIED")


class IdentityUnavailable(ServiceError):
    """The provider of identities gives no keys to check a token with; `reason` is for the log."""

    title = "Callers cannot be identified"
    detail = "Access tokens cannot be checked right now; try again."
    retry_after_seconds = 2

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"OIDC provider: {reason}")


class RateLimitExceeded(ServiceError):
    """A rate or a quota is used up; nothing was begun."""

    code = "limit-reached"
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


class LimitsUnavailable(ServiceError):
    """The counts of rates and quotas cannot be reached, and LIMITS_WITHOUT_REDIS is `refuse`."""

    title = "Limits cannot be checked"
    detail = "Limits cannot be checked right now; try again."
    retry_after_seconds = 2

    def __init__(self) -> None:
        super().__init__("REDIS_URL does not answer: LIMITS_WITHOUT_REDIS")


class ThreadUnknown(ServiceError):
    """There is no conversation of this name, or none of this caller's."""

    title = "The conversation is unknown"
    detail = "There is no conversation with this id."

    def __init__(self, thread_id: str) -> None:
        self.thread_id = thread_id
        super().__init__(f"thread {thread_id}")


class RunUnknown(ServiceError):
    """There is no answer of this run, none of this caller's, or it was not saved."""

    title = "The answer is unknown"
    detail = "There is no answer with this run_id."

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"run {run_id}")


class ThreadBusy(ServiceError):
    """Another turn of the conversation, or the same request, still runs."""

    title = "The conversation is busy"
    detail = "An earlier message of this conversation is still being answered; try again."
    retry_after_seconds = 1

    def __init__(self, waited_seconds: float) -> None:
        self.waited_seconds = waited_seconds
        super().__init__(f"held for more than {waited_seconds:g} s: TURN_WAIT_SECONDS")


class StoreUnavailable(ServiceError):
    """The store of conversations does not answer just now; `reason` is for the log."""

    title = "Conversations are unavailable"
    detail = "Conversations cannot be read or changed right now; try again."
    retry_after_seconds = 2

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"store of threads: {reason}")


class Overloaded(ServiceError):
    """More is under way than there are places for; `what` is for the log."""

    title = "The service is busy"
    detail = "Too many requests are being answered right now; try again."
    retry_after_seconds = 1

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"no place and no queue left: {what}")


class ShuttingDown(ServiceError):
    """This process ends, and its time for open requests is over."""

    title = "The service is shutting down"
    detail = "This process is shutting down; send the request again."
    retry_after_seconds = 1

    def __init__(self) -> None:
        super().__init__("ended with the process: SHUTDOWN_GRACE_SECONDS")


class BudgetExceeded(ServiceError):
    """A run asked for one more than it may use. It becomes a lesser answer, no failure."""

    title = "The run is over its budget"

    def __init__(self, used: str, limit: int, knob: str) -> None:
        self.used = used
        self.limit = limit
        self.detail = f"No more {used} in this run; answer with what is there."
        super().__init__(f"{limit} {used} are used: {knob}")


class ModelUnavailable(ServiceError):
    """No model gave a usable answer."""

    title = "The model is unavailable"
    detail = "No language model is available; try again later."

    def __init__(self, role: str, reason: str) -> None:
        self.role = role
        self.reason = reason
        super().__init__(f"{role}: {reason}")


HTTP_STATUS: Mapping[type[ServiceError], HTTPStatus] = {
    InputRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    ClarificationNeeded: HTTPStatus.UNPROCESSABLE_ENTITY,
    SourceUnavailable: HTTPStatus.BAD_GATEWAY,
    ApprovalNeeded: HTTPStatus.CONFLICT,
    ApprovalUnknown: HTTPStatus.NOT_FOUND,
    ApprovalDecided: HTTPStatus.CONFLICT,
    ApprovalExpired: HTTPStatus.GONE,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    ScopeMissing: HTTPStatus.FORBIDDEN,
    AccountUnverified: HTTPStatus.FORBIDDEN,
    IdentityUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    RateLimitExceeded: HTTPStatus.TOO_MANY_REQUESTS,
    LimitsUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    ThreadUnknown: HTTPStatus.NOT_FOUND,
    RunUnknown: HTTPStatus.NOT_FOUND,
    ThreadBusy: HTTPStatus.CONFLICT,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    ShuttingDown: HTTPStatus.SERVICE_UNAVAILABLE,
    BudgetExceeded: HTTPStatus.TOO_MANY_REQUESTS,
    ModelUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    PolicyViolation: HTTPStatus.INTERNAL_SERVER_ERROR,
    ConfigurationError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""What each leaf means to an HTTP caller; the other doors translate from here."""
