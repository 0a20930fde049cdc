"""An answer of a model ends at a size, however well it is packed."""

import gzip
from typing import Any

import httpx
import httpx2
import pytest

from harness.models.providers import ModelHttp
from harness.settings import Settings
from harness.sources.http import ResponseRejected
from tests.support.peers.openai_faults import BOMB_BYTES
from tests.support.peers.openai_replies import Body
from tests.support.peers.openai_server import OpenAIServer

LIMIT = 2000


@pytest.fixture
def http() -> ModelHttp:
    return ModelHttp(Settings(llm_max_answer_bytes=LIMIT))


async def get(http: ModelHttp, body: bytes, encoding: str = "") -> bytes:
    headers = {"content_encoding": encoding} if encoding else {}
    with OpenAIServer([Body(body, headers=headers)]) as server:
        response = await http.client.get(server.address)
        await http.aclose()
        return response.content


@pytest.mark.parametrize("encoding", ["", "identity", "gzip", "GZIP"])
@pytest.mark.parametrize("size", [0, LIMIT - 1, LIMIT])
async def test_an_answer_up_to_the_limit_is_read_whole(
    http: ModelHttp, encoding: str, size: int
) -> None:
    body = b"a" * size
    packed = gzip.compress(body) if encoding.lower() == "gzip" else body

    assert await get(http, packed, encoding) == body


@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_an_answer_above_the_limit_is_refused_with_the_setting(
    http: ModelHttp, encoding: str
) -> None:
    body = b"a" * (LIMIT + 1)
    with pytest.raises(ResponseRejected, match=f"LLM_MAX_ANSWER_BYTES={LIMIT}"):
        await get(http, gzip.compress(body) if encoding else body, encoding)


async def test_a_bomb_is_not_unfolded(http: ModelHttp) -> None:
    unfolded: list[int] = []

    class Counting:
        def __init__(self, own: Any) -> None:
            self._own = own

        def decompress(self, *args: Any) -> bytes:
            piece: bytes = self._own.decompress(*args)
            unfolded.append(len(piece))
            return piece

    with pytest.MonkeyPatch.context() as patch:
        import zlib

        own = zlib.decompressobj
        patch.setattr("harness.sources.http.zlib.decompressobj", lambda *a: Counting(own(*a)))
        with pytest.raises(ResponseRejected):
            await get(http, gzip.compress(b"a" * BOMB_BYTES, 1), "gzip")

    assert sum(unfolded) == LIMIT + 1


@pytest.mark.parametrize(("body", "encoding"), [(b"no gzip", "gzip"), (b"any", "br")])
async def test_what_cannot_be_unpacked_is_refused(
    http: ModelHttp, body: bytes, encoding: str
) -> None:
    with pytest.raises(ResponseRejected):
        await get(http, body, encoding)


async def test_a_client_of_httpx_1_is_bounded_too(http: ModelHttp) -> None:
    hooks = {"response": [http.hook(httpx.AsyncByteStream)]}
    with OpenAIServer([Body(b"a" * LIMIT), Body(b"a" * (LIMIT + 1))]) as server:
        async with httpx.AsyncClient(event_hooks=hooks) as client:
            assert len((await client.get(server.address)).content) == LIMIT
            with pytest.raises(ResponseRejected):
                await client.get(server.address)


async def test_connecting_has_a_time_of_its_own() -> None:
    settings = Settings(llm_connect_timeout_seconds=1.5, llm_timeout_seconds=9)
    http = ModelHttp(settings)

    assert http.client.timeout == httpx2.Timeout(9, connect=1.5)
    await http.aclose()
    assert http.client.is_closed


async def test_closing_what_was_never_used_opens_nothing(http: ModelHttp) -> None:
    await http.aclose()

    assert "client" not in vars(http)
