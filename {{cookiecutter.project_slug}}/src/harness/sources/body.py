"""The bound on what an answer over HTTP may decompress to."""

import zlib
from collections.abc import AsyncIterable
from typing import Final


class ResponseRejected(Exception):
    """An answer that is not usable; the text says why, for the log."""


class BoundedBody:
    """Decompresses a body piece by piece up to a limit.

    A few compressed kilobytes may stand for gigabytes: they never unfold.
    """

    GZIP: Final = 16 + zlib.MAX_WBITS
    """zlib's sign for "with a gzip header"."""

    def __init__(self, encoding: str, max_bytes: int, setting: str = "DATA_MAX_BYTES") -> None:
        """Take at most `max_bytes` after decompression, the value of `setting`.

        Raises:
            ResponseRejected: `encoding` is not gzip, the only one that was asked for.
        """
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", "gzip"):
            raise ResponseRejected(f"the content encoding is {encoding}, not gzip")
        self._unzip = zlib.decompressobj(self.GZIP) if encoding == "gzip" else None
        self._limit = f"{setting}={max_bytes}"
        self._bytes_left = max_bytes

    def feed(self, piece: bytes) -> bytes:
        """A piece as it came over the wire, decompressed.

        Raises:
            ResponseRejected: The limit is passed, or the piece is no gzip.
        """
        if self._unzip:
            try:
                piece = self._unzip.decompress(piece, self._bytes_left + 1)
            except zlib.error:
                raise ResponseRejected("broken gzip") from None
        self._bytes_left -= len(piece)
        if self._bytes_left < 0:
            raise ResponseRejected(f"larger than {self._limit}")
        return piece

    async def read(self, pieces: AsyncIterable[bytes]) -> bytes:
        """The whole body.

        Raises:
            ResponseRejected: As `feed`, or the gzip stream was cut off.
        """
        content = bytearray()
        async for piece in pieces:
            content += self.feed(piece)
        if self._unzip and not self._unzip.eof:
            raise ResponseRejected("broken gzip")
        return bytes(content)
