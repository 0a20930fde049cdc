"""The body of one answer, decompressed piece by piece up to a limit."""

import zlib
from typing import Final


class ResponseRejected(Exception):
    """An answer that is not usable; the text says why, for the log."""


class BoundedBody:
    """Collects a body. A few compressed kilobytes may stand for gigabytes: they never unfold."""

    GZIP: Final = 16 + zlib.MAX_WBITS
    """zlib's sign for "with a gzip header"."""

    def __init__(self, encoding: str, max_bytes: int) -> None:
        """Take at most `max_bytes` after decompression.

        Raises:
            BodyRefused: `encoding` is not gzip, the only one that was asked for.
        """
        if encoding not in ("", "identity", "gzip"):
            raise ResponseRejected(f"the content encoding is {encoding}, not gzip")
        self._unzip = zlib.decompressobj(self.GZIP) if encoding == "gzip" else None
        self._max_bytes = max_bytes
        self._bytes = bytearray()

    def feed(self, piece: bytes) -> None:
        """Add a piece as it came over the wire.

        Raises:
            ResponseRejected: The limit is passed, or the piece is no gzip.
        """
        if self._unzip:
            try:
                room = self._max_bytes - len(self._bytes) + 1
                piece = self._unzip.decompress(piece, room)
            except zlib.error:
                raise ResponseRejected("broken gzip") from None
        self._bytes += piece
        if len(self._bytes) > self._max_bytes:
            raise ResponseRejected(f"larger than DATA_MAX_BYTES={self._max_bytes}")

    def whole(self) -> bytes:
        """Everything.

        Raises:
            ResponseRejected: The gzip stream was cut off.
        """
        if self._unzip and not self._unzip.eof:
            raise ResponseRejected("broken gzip")
        return bytes(self._bytes)
