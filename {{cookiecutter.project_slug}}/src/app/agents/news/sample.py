"""Invented headlines in the outlets' formats, for USE_FAKE_DATA."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final
from xml.sax.saxutils import escape

import httpx2

from .settings import FEEDS_EN, FEEDS_ES

HEADLINES_EN: Final = (
    "Economy grows slightly in the third quarter, statistics office says",
    "Inflation slows and the economy cools, central bank reports",
    "Small firms expect the economy to recover next year",
    "Climate talks agree on a timetable for cleaner cities",
    "New climate study maps heat in 40 coastal towns",
    "Farmers try drought-proof seeds as the climate warms",
    "Local football team wins the cup after extra time",
    "City marathon opens sports season with a record field",
    "Swimmers set two national sports records in one evening",
    "Technology fair shows robots that sort household waste",
    "Schools test technology that reads textbooks aloud",
    "Museum uses new technology to restore a faded mural",
)
HEADLINES_ES: Final = (
    "La economía crece ligeramente en el tercer trimestre, según estadística",
    "La inflación se modera y la economía se enfría, informa el banco central",
    "Las pequeñas empresas esperan que la economía se recupere el próximo año",
    "Las negociaciones del clima acuerdan un calendario para ciudades más limpias",
    "Un estudio del clima traza el calor en 40 pueblos costeros",
    "Agricultores prueban semillas contra la sequía ante el cambio del clima",
    "El equipo de fútbol local gana la copa en la prórroga",
    "El maratón abre la temporada de deportes con cifra récord de participantes",
    "Dos récords nacionales en una tarde para los deportes acuáticos",
    "La feria de tecnología muestra robots que clasifican residuos",
    "Las escuelas prueban tecnología que lee libros en voz alta",
    "Un museo restaura un mural con nueva tecnología",
)


class NewsSample:
    """A feed for each outlet: every outlet has its own headlines, the same ones every time."""

    FORMATS: Final = 3
    """The third outlet of a language speaks Atom, the others RSS."""

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """The feed at the request's address; one that is not a default gets the first's."""
        url = str(request.url)
        is_spanish = url in FEEDS_ES.values()
        defaults = list((FEEDS_ES if is_spanish else FEEDS_EN).values())
        outlet = defaults.index(url) if url in defaults else 0
        titles = (HEADLINES_ES if is_spanish else HEADLINES_EN)[outlet :: self.FORMATS]
        links = [str(request.url.join(f"/sample/{at}")) for at in range(len(titles))]
        if outlet == self.FORMATS - 1:
            return self._feed("application/atom+xml", self._atom(titles, links))
        return self._feed("application/rss+xml", self._rss(titles, links))

    @staticmethod
    def _feed(kind: str, text: str) -> httpx2.Response:
        headers = {"Content-Type": f"{kind}; charset=utf-8"}
        return httpx2.Response(200, headers=headers, content=text.encode())

    @staticmethod
    def _rss(titles: Sequence[str], links: Sequence[str]) -> str:
        now = format_datetime(datetime.now(UTC))
        items = "".join(
            f"<item><title><![CDATA[{title}]]></title><link>{escape(link)}</link>" f"<pubDate>{now}</pubDate></item>"
            for title, link in zip(titles, links, strict=True)
        )
        return f'<rss version="2.0"><channel><title>Sample</title>{items}</channel></rss>'

    @staticmethod
    def _atom(titles: Sequence[str], links: Sequence[str]) -> str:
        now = datetime.now(UTC).isoformat()
        entries = "".join(
            f"<entry><title>{escape(title)}</title><link href='{escape(link)}'/>" f"<updated>{now}</updated></entry>"
            for title, link in zip(titles, links, strict=True)
        )
        return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Sample</title>{entries}</feed>'
