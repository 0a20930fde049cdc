"""Feeds as they are written; what a strict parser makes of them."""

import pytest
from defusedxml.ElementTree import fromstring

from harness.sources.xml import TolerantXml

DECLARED = '<?xml version="1.0" encoding="{}"?><rss>{}</rss>'


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        (b"\n\n  " + DECLARED.format("utf-8", "a").encode(), None, "a"),
        (b"\xef\xbb\xbf" + DECLARED.format("utf-8", "a").encode(), None, "a"),
        (DECLARED.format("iso-8859-1", "ñ").encode("latin-1"), None, "ñ"),
        ("<rss>ñ</rss>".encode("latin-1"), "iso-8859-1", "ñ"),
        (DECLARED.format("iso-8859-1", "ñ").encode(), "utf-8", "ñ"),
        (DECLARED.format("iso-8859-1", "ñ").encode("latin-1"), "utf-8", "ñ"),
        ("<rss>ñ</rss>".encode(), "klingon", "ñ"),
        ("\ufeff<rss>ñ</rss>".encode("utf-16-le"), None, "ñ"),
        (b"<rss>a&nbsp;b &eacute; R&D &amp; &#233; x & y &nothing;</rss>", None, "a\xa0b é R&D & é x & y &nothing;"),
        (b"<rss>a\x00\x08b</rss>", None, "ab"),
    ],
)
def test_the_usual_faults_are_mended(body: bytes, charset: str | None, text: str) -> None:
    assert fromstring(TolerantXml.cleaned(body, charset)).text == text


def test_what_no_encoding_fits_is_left_to_the_parser() -> None:
    body = DECLARED.format("klingon", "ñ").encode()
    assert TolerantXml.cleaned(body, None) == body
