"""Tests of `errors`: every error has its words, and none its own text."""

import pytest
from a2a.server.jsonrpc_models import InternalError as RPCInternalError
from a2a.server.jsonrpc_models import MethodNotFoundError
from a2a.types.a2a_pb2 import TaskState
from a2a.utils.errors import InternalError, InvalidParamsError, InvalidRequestError, TaskNotFoundError
from google.protobuf.json_format import ParseError

from harness.endpoints.a2a.errors import A2AErrors
from harness.errors import InputRefused, Overloaded, ScopeMissing
from harness.http.failures import ErrorWords, Failure

pytestmark = pytest.mark.checklist("INT-2")

SECRET = "password=hunter2"


@pytest.mark.parametrize("words", ErrorWords.table().values(), ids=ErrorWords.table())
def test_the_table_names_states_that_there_are(words: ErrorWords) -> None:
    assert TaskState.Value(f"TASK_STATE_{words.a2a.upper().replace('-', '_')}")


def test_a_missing_scope_leaves_the_task_waiting() -> None:
    failure = Failure.from_error(ScopeMissing("approve"), "r1")
    assert A2AErrors.state(failure) == TaskState.TASK_STATE_INPUT_REQUIRED


@pytest.mark.parametrize("error", [RuntimeError(SECRET), ParseError(SECRET), UnicodeError(SECRET), KeyError(SECRET)])
def test_no_text_of_an_exception_gets_out(error: Exception) -> None:
    with pytest.raises((InternalError, InvalidParamsError)) as told, A2AErrors.told("r1"):
        raise error
    assert "hunter2" not in f"{told.value!r}"
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__


def test_what_the_service_refuses_is_told_with_its_words() -> None:
    refused = A2AErrors.of(InputRefused("contextId", "too long"), "r1")
    assert isinstance(refused, InvalidParamsError)
    assert "too long" in refused.message
    busy = A2AErrors.of(Overloaded(), "r1")
    assert isinstance(busy, InternalError)
    assert busy.data == {"requestId": "r1", "problem": "urn:problem:overloaded", "retryAfterSeconds": "1"}


def test_what_the_sdk_caught_has_its_fixed_text() -> None:
    assert A2AErrors.of_sdk(RPCInternalError(message=SECRET)).message == "Internal error"
    assert A2AErrors.of_sdk(RuntimeError(SECRET)).message == "Internal error"
    assert A2AErrors.of_sdk(MethodNotFoundError()).message == "Method not found"
    parsed = A2AErrors.of_sdk(InvalidRequestError(data={"parseError": SECRET}))
    assert (parsed.message, parsed.data) == ("Invalid Request", None)
    unknown = TaskNotFoundError()
    assert A2AErrors.of_sdk(unknown) is unknown
