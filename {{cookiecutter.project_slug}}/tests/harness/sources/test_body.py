import gzip
from collections.abc import AsyncIterator

import pytest

from harness.sources.http import BoundedBody, ResponseRejected


async def pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_pieces_become_the_whole() -> None:
    assert await BoundedBody("", max_bytes=6).read(pieces(b"abc", b"def")) == b"abcdef"


async def test_gzip_unfolds_piece_by_piece() -> None:
    packed = gzip.compress(b"a" * 1000)
    body = BoundedBody("gzip", max_bytes=1000)
    assert await body.read(pieces(packed[:7], packed[7:])) == b"a" * 1000


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_one_byte_over_the_limit_is_refused(encoding: str) -> None:
    content = b"a" * 1001
    body = BoundedBody(encoding, max_bytes=1000)
    with pytest.raises(ResponseRejected, match="larger than DATA_MAX_BYTES=1000"):
        body.feed(gzip.compress(content) if encoding else content)


def test_a_bomb_takes_no_more_memory_than_the_limit() -> None:
    body = BoundedBody("gzip", max_bytes=1000)
    with pytest.raises(ResponseRejected):
        body.feed(gzip.compress(b"a" * 100_000_000))
    assert body._bytes_left == -1


async def test_a_gzip_stream_that_is_cut_off_is_refused() -> None:
    with pytest.raises(ResponseRejected, match="broken gzip"):
        await BoundedBody("gzip", max_bytes=1000).read(pieces(gzip.compress(b"abc")[:-4]))


def test_what_is_no_gzip_is_refused() -> None:
    with pytest.raises(ResponseRejected, match="broken gzip"):
        BoundedBody("gzip", max_bytes=1000).feed(b"plain text")


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_an_encoding_that_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(ResponseRejected, match="content encoding"):
        BoundedBody(encoding, max_bytes=1000)
