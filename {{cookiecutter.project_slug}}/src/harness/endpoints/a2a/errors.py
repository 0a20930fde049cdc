"""What a caller is told of an error in A2A's words: never the text of an exception."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from a2a.server.jsonrpc_models import JSONRPCError
from a2a.types.a2a_pb2 import TaskState
from a2a.utils.errors import (
    A2AError,
    ContentTypeNotSupportedError,
    InternalError,
    InvalidParamsError,
    InvalidRequestError,
    MethodNotFoundError,
)
from google.protobuf.json_format import ParseError

from ...http.failures import Failure
from ...telemetry.metrics import FAILURES


class A2AErrors:
    """Errors of the service, and of the SDK, as `A2AError`s."""

    KINDS: Final[Mapping[HTTPStatus, type[A2AError]]] = {
        HTTPStatus.NOT_FOUND: MethodNotFoundError,
        HTTPStatus.METHOD_NOT_ALLOWED: MethodNotFoundError,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ContentTypeNotSupportedError,
        HTTPStatus.UNPROCESSABLE_ENTITY: InvalidParamsError,
    }

    @classmethod
    @contextmanager
    def told(cls, request_id: str) -> Iterator[None]:
        """What the block raises leaves it as an `A2AError`."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  # told in the protocol's words
            raise cls.of(error, request_id) from None

    @classmethod
    def of(cls, error: Exception, request_id: str) -> A2AError:
        """What a caller may know of `error`; what failed on our side is logged."""
        if isinstance(error, A2AError):
            return cls.plain(error)
        if isinstance(error, ParseError | UnicodeError):
            return InvalidParamsError()
        return cls.of_failure(cls.recorded(error, request_id))

    @staticmethod
    def recorded(error: Exception, request_id: str) -> Failure:
        """What a caller may know of it; what failed on our side is logged and counted."""
        failure = Failure.recorded(error, request_id)
        if failure.is_server_error:
            FAILURES.labels("api", "a2a").inc()
        return failure

    @classmethod
    def of_failure(cls, failure: Failure) -> A2AError:
        """The same of what was told already."""
        kind = InternalError if failure.is_server_error else cls.KINDS.get(failure.status, InvalidRequestError)
        return kind(failure.text, data=cls.metadata(failure))

    @staticmethod
    def metadata(failure: Failure) -> dict[str, str]:
        """What programs read of it: values are strings, as `google.rpc.ErrorInfo` has them."""
        more = {"problem": f"urn:problem:{failure.code}"} if failure.is_ours else {}
        if failure.retry_after_seconds is not None:
            more["retryAfterSeconds"] = str(failure.retry_after_seconds)
        return {"requestId": failure.request_id, **more}

    @staticmethod
    def plain(error: A2AError) -> A2AError:
        """One that the SDK has made, without the text of an exception (`parseError`)."""
        return type(error)() if error.data and "parseError" in error.data else error

    @classmethod
    def of_sdk(cls, error: Exception | JSONRPCError) -> A2AError | JSONRPCError:
        """What the SDK's own code caught: its fixed text, since it would tell that of the exception."""
        if isinstance(error, A2AError):
            return cls.plain(error)
        if isinstance(error, JSONRPCError):
            return error.model_copy(update={"message": type(error).model_fields["message"].default, "data": None})
        return InternalError()

    @staticmethod
    def state(failure: Failure) -> TaskState:
        """The state in which it leaves a task."""
        name = failure.words.a2a.upper().replace("-", "_")
        state: TaskState = TaskState.Value(f"TASK_STATE_{name}")
        return state
