"""How it can fail: the whole tree, and the one table to HTTP.

ServiceError
├── Misconfigured       the operator mends a setting; the service does not start
├── InputRefused        the caller mends the request
├── NeedsDetail         the caller answers a question back (no failure: it becomes the answer)
├── SourceUnavailable   a data source gave nothing usable; the answer names it as missing
├── AccessRefused       an agent reached for what its policy does not name
└── ModelUnavailable    the model gave nothing usable; the agent answers from its data alone

Each error holds two texts: `detail` is for the caller, `str(error)` is for the log.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus


class ServiceError(Exception):
    """Root of everything that this service raises on purpose."""

    title = "The request could not be served"
    detail = "Something failed on our side."

    @property
    def code(self) -> str:
        """Stable name for machines: `InputRefused` -> `input-refused`."""
        name = type(self).__name__
        return "".join(f"-{char.lower()}" if char.isupper() else char for char in name).lstrip("-")


class Misconfigured(ServiceError):
    """The settings cannot work together; all problems are listed at once, no value is shown."""

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


class NeedsDetail(ServiceError):
    """The question lacks something; `question` asks for it in the user's language."""

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


class AccessRefused(ServiceError):
    """Something outside an agent's policy was asked for; nothing was sent or opened."""

    title = "Access refused"
    detail = "The service may not reach this resource."

    def __init__(self, resource: str, remedy: str) -> None:
        self.resource = resource
        super().__init__(f"{resource} is outside the policy: {remedy}")


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
    NeedsDetail: HTTPStatus.UNPROCESSABLE_ENTITY,
    SourceUnavailable: HTTPStatus.BAD_GATEWAY,
    ModelUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    AccessRefused: HTTPStatus.INTERNAL_SERVER_ERROR,
    Misconfigured: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""What each leaf means to an HTTP caller; the other doors translate from here."""
