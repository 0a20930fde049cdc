import asyncio
from collections.abc import Sequence

import pytest
from pydantic import BaseModel
from structlog.testing import capture_logs

from harness.errors import PolicyViolation, SourceUnavailable
from harness.limits.deadline import Deadline
from harness.sources.http import HttpClient
from tests.harness.sources.conftest import Reach
from tests.support.peers.data_sources import DataSources, Drip, Drop, Json, Xml, Zipped
from tests.support.peers.openai_replies import Body, Hang, Reply


class Reading(BaseModel):
    """The answer that these tests want."""

    city: str
    celsius: float


FINE = {"city": "Lima", "celsius": 18.5}
BILLION_LAUGHS = '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]><r>&c;</r>'


async def read(http: HttpClient, sources: DataSources) -> Reading:
    return await http.get_json(f"{sources.address}/reading", {"q": "planted-query"}, Reading)


async def reason(http: HttpClient, sources: DataSources) -> str:
    with pytest.raises(SourceUnavailable) as failure:
        await read(http, sources)
    return str(failure.value.reason)


async def test_an_answer_that_fits_comes_as_its_model(sources: DataSources, reach: Reach) -> None:
    sources.answer("/reading", Json({**FINE, "more": "is ignored"}))
    assert await read(reach(), sources) == Reading(city="Lima", celsius=18.5)
    assert sources.asked("/reading") == [{"q": "planted-query"}]


@pytest.mark.checklist("TEST-5", "TEST-6")
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"city": "Lima", "celsi', "not JSON"),
        (b"", "not JSON"),
        (b"<html>try later</html>", "not JSON"),
        (b'{"city": "\xff", "celsius": 1}', "not JSON"),
        (b'{"city": "Lima", "celsius": NaN}', "not JSON"),
        (b'{"city": "Lima", "celsius": 1e999}', "not JSON"),
        (b"[" * 5000, "not JSON"),
        (b'{"city": "Lima"}', "1 fields break the model: celsius: missing"),
        (b'{"city": "Lima", "celsius": "18.5"}', "celsius: float_type"),
        (b'{"city": "Lima", "celsius": null}', "celsius: float_type"),
        (b'{"city": 5, "celsius": true}', "2 fields break the model: city: string_type, celsius"),
        (b'["Lima", 18.5]', "model_type"),
    ],
)
async def test_an_answer_that_breaks_its_format_is_refused_and_not_asked_again(
    sources: DataSources, reach: Reach, content: bytes, told: str
) -> None:
    sources.answer("/reading", Body(content))
    assert told in await reason(reach(), sources)
    assert len(sources.requests) == 1


@pytest.mark.checklist("TEST-5")
@pytest.mark.parametrize("kind", ["text/html", "application/jsonp", "", "image/json+png"])
async def test_another_content_type_is_refused_whatever_the_body(sources: DataSources, reach: Reach, kind: str) -> None:
    sources.answer("/reading", Body(b'{"city": "Lima", "celsius": 1}', content_type=kind))
    assert "the content type is" in await reason(reach(), sources)


@pytest.mark.parametrize("kind", ["application/json", "Application/GEO+JSON; charset=utf-8"])
async def test_every_json_type_is_taken(sources: DataSources, reach: Reach, kind: str) -> None:
    sources.answer("/reading", Body(b'{"city": "Lima", "celsius": 1}', content_type=kind))
    assert (await read(reach(), sources)).city == "Lima"


@pytest.mark.checklist("TEST-4")
@pytest.mark.parametrize(
    "stumbles",
    [[Json({}, 429)], [Json({}, 500), Json({}, 503)], [Drop()]],
    ids=["429", "500 and 503", "dropped connection"],
)
async def test_a_source_that_recovers_within_the_retries_answers(
    sources: DataSources, reach: Reach, stumbles: Sequence[Reply]
) -> None:
    sources.answer("/reading", *stumbles, Json(FINE))
    assert (await read(reach(data_max_retries=2), sources)).celsius == 18.5
    assert len(sources.requests) == len(stumbles) + 1


@pytest.mark.checklist("TEST-4")
@pytest.mark.parametrize("retries", [0, 1, 3])
@pytest.mark.parametrize("status", [429, 500, 503])
async def test_retries_end_where_the_setting_says(
    sources: DataSources, reach: Reach, retries: int, status: int
) -> None:
    sources.answer("/reading", Json({}, status))
    assert await reason(reach(data_max_retries=retries), sources) == f"HTTP {status}"
    assert len(sources.requests) == 1 + retries


@pytest.mark.parametrize("status", [400, 401, 404, 410])
async def test_what_another_attempt_cannot_mend_is_not_tried_again(
    sources: DataSources, reach: Reach, status: int
) -> None:
    sources.answer("/reading", Json({}, status))
    assert await reason(reach(), sources) == f"HTTP {status}"
    assert len(sources.requests) == 1


@pytest.mark.parametrize(("retry_after", "requests"), [("0", 2), ("1", 2), ("3600", 1), ("Fri, 20 Nov 2026", 2)])
async def test_a_wait_longer_than_the_deadline_is_not_begun(
    sources: DataSources, reach: Reach, retry_after: str, requests: int
) -> None:
    busy = Body(b"", 429, headers={"retry_after": retry_after})
    sources.answer("/reading", busy)
    assert await reason(reach(data_max_retries=1), sources) == "HTTP 429"
    assert len(sources.requests) == requests


@pytest.mark.parametrize("reply", [Hang(), Drip()], ids=["hangs", "drips"])
async def test_a_source_that_hangs_or_drips_is_left_at_the_deadline(
    sources: DataSources, reach: Reach, reply: Reply
) -> None:
    sources.answer("/reading", reply)
    told = await reason(reach(data_timeout_seconds=1), sources)
    assert told == "no whole answer within DATA_TIMEOUT_SECONDS=1"
    assert len(sources.requests) == 1


@pytest.mark.parametrize("reply", [Hang(), Drip()], ids=["hangs", "drips"])
async def test_a_source_does_not_outlive_the_request(sources: DataSources, reach: Reach, reply: Reply) -> None:
    sources.answer("/reading", reply)
    with Deadline.scope(0.3):
        async with asyncio.timeout(30):
            told = await reason(reach(data_timeout_seconds=60), sources)
    assert told == "no whole answer before the request's deadline"


async def test_nothing_listens_is_told_by_its_kind(sources: DataSources, reach: Reach) -> None:
    with DataSources() as gone:
        pass
    assert await reason(reach(), gone) == "ConnectError"


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(("size", "passes"), [(2048, True), (2049, False)])
async def test_an_answer_is_read_up_to_its_limit_after_decompression(
    sources: DataSources, reach: Reach, zipped: bool, size: int, passes: bool
) -> None:
    plain = Body(b'{"city": "Lima", "celsius": 1}'.rjust(size))
    sources.answer("/reading", Zipped(FINE, size) if zipped else plain)
    http = reach(data_max_bytes=2048)
    if passes:
        assert (await read(http, sources)).city == "Lima"
    else:
        assert await reason(http, sources) == "larger than DATA_MAX_BYTES=2048"


@pytest.mark.checklist("TEST-5")
async def test_a_gzip_bomb_does_not_unfold(sources: DataSources, reach: Reach) -> None:
    sources.answer("/reading", Zipped(FINE, 50_000_000))
    assert await reason(reach(), sources) == "larger than DATA_MAX_BYTES=2000000"


async def test_an_encoding_that_was_not_asked_for_is_refused(sources: DataSources, reach: Reach) -> None:
    sources.answer("/reading", Zipped(FINE, 100, encoding="gzip, gzip"))
    assert "content encoding" in await reason(reach(), sources)
    assert sources.requests[0].headers["accept-encoding"] == "gzip"


async def test_a_redirect_is_not_followed(sources: DataSources, reach: Reach) -> None:
    sources.answer("/reading", Body(b"", 302, headers={"location": "/v1/search"}))
    assert "redirects are not followed" in await reason(reach(), sources)
    assert sources.asked("/v1/search") == []


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:{port}/reading",
        "http://127.0.0.1.evil.example:{port}/reading",
        "http://127.0.0.1@evil.example:{port}/reading",
        "http://user:secret@127.0.0.1:{port}/reading",
        "ftp://127.0.0.1:{port}/reading",
        "file:///etc/passwd",
        "//127.0.0.1:{port}/reading",
        "http://127.0.0.1:port/reading",
    ],
)
async def test_an_address_outside_the_policy_is_refused_before_anything_is_sent(
    sources: DataSources, reach: Reach, url: str
) -> None:
    port = sources.address.rpartition(":")[2]
    with pytest.raises(PolicyViolation):
        await reach().get_json(url.replace("{port}", port), {}, Reading)
    with pytest.raises(PolicyViolation):
        await reach().get_xml(url.replace("{port}", port))
    assert sources.requests == []


async def test_cookies_of_one_answer_are_not_sent_with_the_next_request(sources: DataSources, reach: Reach) -> None:
    cookie = {"set_cookie": "session=planted; Path=/"}
    sources.answer("/reading", Body(b'{"city": "Lima", "celsius": 1}', headers=cookie), Json(FINE))
    http = reach()
    await read(http, sources)
    await read(http, sources)
    assert [request.headers.get("cookie") for request in sources.requests] == [None, None]
    assert "authorization" not in sources.requests[1].headers


async def test_a_failure_is_logged_with_host_reason_and_time_but_never_the_query(
    sources: DataSources, reach: Reach
) -> None:
    sources.answer("/reading", Json({}, 500))
    with capture_logs() as lines:
        await reason(reach(), sources)
    failed = lines[-1]
    assert (failed["event"], failed["host"], failed["reason"]) == ("source_failed", "127.0.0.1", "HTTP 500")
    assert failed["ms"] > 0
    assert "planted-query" not in str(lines)


async def test_what_an_answer_held_is_not_logged(sources: DataSources, reach: Reach) -> None:
    sources.answer("/reading", Json({"city": 5, "celsius": "planted-value"}))
    with capture_logs() as lines:
        await reason(reach(), sources)
    assert "planted-value" not in str(lines)


@pytest.mark.parametrize("kind", ["application/xml", "text/xml; charset=utf-8"])
async def test_a_feed_comes_as_its_root(sources: DataSources, reach: Reach, kind: str) -> None:
    sources.answer("/feed", Xml("<rss><channel/></rss>", kind))
    assert (await reach().get_xml(f"{sources.address}/feed")).tag == "rss"


@pytest.mark.checklist("TEST-5")
@pytest.mark.parametrize(
    "text",
    ["<rss><channel>", "", BILLION_LAUGHS, '<?xml version="1.0" encoding="klingon"?><rss/>'],
    ids=["truncated", "empty", "entities", "unknown encoding"],
)
async def test_a_feed_that_is_no_harmless_xml_is_refused(sources: DataSources, reach: Reach, text: str) -> None:
    sources.answer("/feed", Xml(text))
    with pytest.raises(SourceUnavailable, match="not XML"):
        await reach().get_xml(f"{sources.address}/feed")
