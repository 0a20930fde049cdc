import gzip

import pytest

from harness.sources.body import BoundedBody, ResponseRejected


def test_pieces_become_the_whole() -> None:
    body = BoundedBody("", max_bytes=6)
    body.feed(b"abc")
    body.feed(b"def")
    assert body.whole() == b"abcdef"


def test_gzip_unfolds_piece_by_piece() -> None:
    body = BoundedBody("gzip", max_bytes=1000)
    packed = gzip.compress(b"a" * 1000)
    body.feed(packed[:7])
    body.feed(packed[7:])
    assert body.whole() == b"a" * 1000


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
    assert len(body._bytes) == 1001


def test_a_gzip_stream_that_is_cut_off_is_refused() -> None:
    body = BoundedBody("gzip", max_bytes=1000)
    body.feed(gzip.compress(b"abc")[:-4])
    with pytest.raises(ResponseRejected, match="broken gzip"):
        body.whole()


def test_what_is_no_gzip_is_refused() -> None:
    with pytest.raises(ResponseRejected, match="broken gzip"):
        BoundedBody("gzip", max_bytes=1000).feed(b"plain text")


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_an_encoding_that_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(ResponseRejected, match="content encoding"):
        BoundedBody(encoding, max_bytes=1000)
