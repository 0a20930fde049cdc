"""The data sources of the example agents on loopback, in their own formats: no network.

    with DataSources() as sources:
        sources.answer(FORECAST, Hang())
        for name, value in sources.environment.items(): monkeypatch.setenv(name, value)

Each path answers as the real source does, until a test gives it other replies.
"""

import asyncio
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from tests.support.peers.openai_replies import Body, Reply, Request, Wire
from tests.support.peers.openai_server import OpenAIServer

GEOCODING = "/v1/search"
FORECAST = "/v1/forecast"
RATES = "/v1/latest"
RSS = "/rss.xml"
ATOM = "/atom.xml"

FIRST_DAY = date(2026, 11, 20)
"""A Friday."""

BOGOTA = {
    "id": 3688689,
    "name": "Bogotá",
    "latitude": 4.60971,
    "longitude": -74.08175,
    "elevation": 2582.0,
    "feature_code": "PPLC",
    "country_code": "CO",
    "admin1_id": 3688685,
    "timezone": "America/Bogota",
    "population": 7674366,
    "country_id": 3686110,
    "country": "Colombia",
    "admin1": "Bogota D.C.",
}
DAYS: Mapping[str, Any] = {
    "latitude": 4.625,
    "longitude": -74.125,
    "generationtime_ms": 0.08,
    "utc_offset_seconds": -18000,
    "timezone": "America/Bogota",
    "timezone_abbreviation": "GMT-5",
    "elevation": 2582.0,
    "daily_units": {
        "time": "iso8601",
        "weather_code": "wmo code",
        "temperature_2m_min": "°C",
        "temperature_2m_max": "°C",
        "precipitation_probability_max": "%",
    },
    "daily": {
        "time": [(FIRST_DAY + timedelta(days=i)).isoformat() for i in range(7)],
        "weather_code": [80, 3, 61, 0, 2, 95, 45],
        "temperature_2m_min": [9.4, 8.1, 9.9, 7, 8.6, 10.2, -0.4],
        "temperature_2m_max": [18.6, 19.2, 17.5, 20, 19.1, 16.3, 1.2],
        "precipitation_probability_max": [85, 30, 90, 5, 20, 97, None],
    },
}
QUOTES = {
    "amount": 1.0,
    "base": "EUR",
    "date": "2026-11-20",
    "rates": {"BRL": 6.25, "GBP": 0.875, "MXN": 20, "USD": 1.25},
}
RSS_TEXT = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/" version="2.0">
<channel><title><![CDATA[One News]]></title><link>https://one.example/news</link>
<item><media:content url="https://one.example/a.jpg"><media:title>A picture</media:title></media:content>
<title><![CDATA[Storm closes 3 ports &amp; schools]]></title>
<description><![CDATA[<p>Ferries <b>stay</b> in.<script>alert(1)</script></p>]]></description>
<link>https://one.example/news/1</link><guid isPermaLink="false">1</guid>
<pubDate>Fri, 20 Nov 2026 07:30:00 GMT</pubDate></item>
<item><title>Economy grows</title><link>https://one.example/news/2</link></item>
<item><title>No link, so no headline</title></item>
<item><title>A trap</title><link>javascript:alert(1)</link></item>
</channel></rss>"""
ATOM_TEXT = """<?xml version="1.0" encoding="ISO-8859-1"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Two News</title>
<entry><title type="html">Econom\xeda en alza &lt;i&gt;otra vez&lt;/i&gt;</title>
<link rel="alternate" href="https://two.example/1"/><updated>2026-11-20T06:00:00Z</updated></entry>
</feed>"""


class Json(Body):
    """A document as the real sources send it."""

    def __init__(self, document: Any, status: int = 200) -> None:
        super().__init__(orjson.dumps(document), status, "application/json; charset=utf-8")


class Xml(Body):
    """A feed."""

    def __init__(self, text: str | bytes, kind: str = "application/rss+xml") -> None:
        super().__init__(text.encode() if isinstance(text, str) else text, content_type=kind)


class Zipped(Body):
    """A document of `size` bytes in a few: spaces, then the document."""

    def __init__(self, document: Any, size: int, encoding: str = "gzip") -> None:
        text = orjson.dumps(document).rjust(size)
        super().__init__(gzip.compress(text), headers={"content_encoding": encoding})


@dataclass(frozen=True)
class Drip(Reply):
    """A document that comes byte by byte, each one well before any read timeout, and never ends."""

    pause_seconds: float = 0.01

    async def send(self, request: Request, wire: Wire) -> None:
        await wire.head(200, "application/json")
        while True:
            await wire.send(b" ")
            await asyncio.sleep(self.pause_seconds)


class Drop(Reply):
    """Closes the connection without a word."""

    async def send(self, request: Request, wire: Wire) -> None:
        return


class DataSources(OpenAIServer):
    """Open-Meteo, Frankfurter and two feeds."""

    def __init__(self) -> None:
        super().__init__(self._route)
        self._usual: Mapping[str, Reply] = {
            GEOCODING: Json({"results": [BOGOTA], "generationtime_ms": 0.9}),
            FORECAST: Json(DAYS),
            RATES: Json(QUOTES),
            RSS: Xml(RSS_TEXT, "text/xml; charset=utf-8"),
            ATOM: Xml(ATOM_TEXT.encode("latin-1"), "application/atom+xml"),
        }
        self._instead: dict[str, list[Reply]] = {}

    @property
    def environment(self) -> dict[str, str]:
        """The settings that send the service here."""
        feeds = orjson.dumps({"One": self.address + RSS, "Two": self.address + ATOM}).decode()
        return {
            "USE_FAKE_DATA": "false",
            "DATA_PRIVATE_HOSTS": "127.0.0.1",
            "WEATHER_GEOCODING_URL": self.address + GEOCODING,
            "WEATHER_FORECAST_URL": self.address + FORECAST,
            "CURRENCY_RATES_URL": self.address + RATES,
            "NEWS_FEEDS_EN": feeds,
            "NEWS_FEEDS_ES": feeds,
        }

    def answer(self, path: str, *replies: Reply) -> None:
        """Give `replies` at `path` one after the other; the last one again and again."""
        self._instead[path] = list(replies)

    def asked(self, path: str) -> list[dict[str, str]]:
        """The parameters of each request at `path`."""
        parts = [urlsplit(request.path) for request in self.requests]
        return [
            {name: values[0] for name, values in parse_qs(part.query).items()} for part in parts if part.path == path
        ]

    def _route(self, request: Request) -> Reply:
        path = urlsplit(request.path).path
        left = self._instead.get(path, [])
        if left:
            return left.pop(0) if len(left) > 1 else left[0]
        return self._usual.get(path) or Json({"error": True, "reason": "Not Found"}, 404)
