import json

import pytest

from harness.http.routes import StrictRequest


@pytest.mark.parametrize("value", [None, True, 1.5, "é", [], {"a": {"b": [1, 2]}, "c": {"b": 1}}])
def test_ordinary_json_is_read(value: object) -> None:
    assert StrictRequest.loads(json.dumps(value).encode()) == value


HOSTILE = {
    "NaN": (b"NaN", "NaN"),
    "infinity in a list": (b"[-Infinity]", "NaN"),
    "a name twice": (b'{"a": 1, "a": 1}', "twice"),
    "a name twice deep down": (b'[{"b": {"a": 1, "a": 2}}]', "twice"),
    "nested": (b"[" * 100_000, "deeply"),
    "5000 digits": (b"1" * 5000, "cannot be read"),
    "not UTF-8": (b'"\xff"', "cannot be read"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "cannot be read"),
    "UTF-16 without a mark": ('{"a": 1}'.encode("utf-16-le"), "Expecting"),
    "UTF-32": ('{"a": 1}'.encode("utf-32"), "cannot be read"),
    "a byte order mark": (b'\xef\xbb\xbf{"a": 1}', "BOM"),
    "cut off": (b"{", "Expecting"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_another_reader_might_take_otherwise_is_refused(kind: str) -> None:
    body, problem = HOSTILE[kind]
    with pytest.raises(json.JSONDecodeError, match=problem):
        StrictRequest.loads(body)
