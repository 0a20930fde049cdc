from xml.etree.ElementTree import fromstring

import httpx2
import pytest

from app.agents.news.agent import NewsAgent
from app.agents.news.feeds import Feed, PlainText, Topic
from app.agents.news.sample import NewsSample
from app.agents.news.settings import FEEDS_EN, FEEDS_ES, NewsSettings
from harness.errors import ConfigurationError, SourceUnavailable
from harness.prompts.language import Language
from harness.settings import Settings
from tests.agents.conftest import Built
from tests.conftest import Door
from tests.support.peers.data_sources import ATOM, ATOM_TEXT, RSS, RSS_TEXT, DataSources, Drip, Json, Xml
from tests.support.peers.openai_replies import Body, Hang, Reply

RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<item><title>Three news</title><link>https://three.example/1</link><dc:date>2026-11-20T05:00:00Z</dc:date></item>
</rdf:RDF>"""


def feed(text: str) -> Feed:
    return Feed("One", fromstring(text), title_max_chars=200)


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("What are today's headlines?", ""),
        ("news", ""),
        ("¿Cuáles son las últimas noticias?", ""),
        ("¿Qué está pasando hoy en el mundo?", ""),
        ("latest news about climate change", "climate change"),
        ("Is there any news about the economy?", "economy"),
        ("¿Qué noticias hay sobre economía en Colombia?", "economía Colombia"),
        ("Dame titulares de ciencia-ficción", "ciencia-ficción"),
        ("What are the newspapers reporting about the economy?", "economy"),
        ("Cuéntame qué dice la prensa sobre Messi", "Messi"),
        ("I'd like news on tennis", "tennis"),
    ],
)
def test_the_topic_is_read_off_the_question(question: str, topic: str) -> None:
    assert Topic.of(question).text == topic


def test_rss_becomes_headlines_in_plain_text() -> None:
    first, second = feed(RSS_TEXT).headlines()
    assert first.title == "Storm closes 3 ports & schools"
    assert first.summary == "Ferries stay in."
    assert (first.url, str(first.published)) == ("https://one.example/news/1", "2026-11-20")
    assert (second.title, second.published) == ("Economy grows", None)


def test_atom_and_rss_1_become_headlines_too() -> None:
    (atom,) = feed(ATOM_TEXT).headlines()
    assert (atom.title, atom.url) == ("Economía en alza otra vez", "https://two.example/1")
    (rdf,) = feed(RDF).headlines()
    assert (rdf.title, str(rdf.published)) == ("Three news", "2026-11-20")


def test_a_long_headline_is_cut_and_a_wrong_date_left_out() -> None:
    text = RSS_TEXT.replace("Economy grows", "a" * 300).replace("Fri, 20 Nov 2026", "Someday")
    first, second = feed(text).headlines()
    assert first.published is None
    assert len(second.title) == 200


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<html><body/></html>", "no feed"),
        ("<rss><channel><item><title>no link</title></item></channel></rss>", "no item"),
    ],
)
def test_a_document_without_usable_items_is_refused(text: str, told: str) -> None:
    with pytest.raises(SourceUnavailable, match=told):
        feed(text).headlines()


def test_a_feed_is_read_up_to_its_newest_hundred_items() -> None:
    item = "<item><title>T</title><link>https://one.example/1</link></item>"
    assert len(feed(f"<rss>{item * 99}</rss>").headlines()) == 99
    assert len(feed(f"<rss>{item * 101}</rss>").headlines()) == 100


def test_a_feed_may_be_empty() -> None:
    assert feed("<rss><channel/></rss>").headlines() == []


def test_markup_scripts_and_entities_do_not_reach_the_answer() -> None:
    html = "<b>A&amp;B</b><script>alert('x')</script> &lt;i&gt;<style>p{}</style>\n c"
    assert PlainText.of(html) == "A&B <i> c"


async def test_outlets_take_turns_and_each_headline_has_its_source(on_sources: Built) -> None:
    answer, findings = await on_sources(NewsAgent).answer_without_model("Latest headlines", "en")
    assert answer == (
        "Today's headlines:\n"
        "- Storm closes 3 ports & schools (One)\n"
        "- Economía en alza otra vez (Two)\n"
        "- Economy grows (One)\n"
        "Note: 67 % of these headlines come from one outlet, One."
    )
    assert [source["url"] for source in findings[0].sources] == [
        "https://one.example/news/1",
        "https://two.example/1",
        "https://one.example/news/2",
    ]
    assert findings[0].sources[1]["title"] == "Two: Economía en alza otra vez"


@pytest.mark.parametrize(
    ("question", "language", "first_line"),
    [
        ("news about the economy", "en", "Headlines about economy:"),
        ("noticias sobre economía", "es", "Titulares sobre economía:"),
    ],
)
async def test_a_topic_keeps_the_headlines_that_meet_it(
    on_sources: Built, question: str, language: Language, first_line: str
) -> None:
    answer, findings = await on_sources(NewsAgent).answer_without_model(question, language)
    assert answer.startswith(first_line)
    titles = [each["title"] for each in findings[0].facts["headlines"]]
    assert titles == ["Economy grows", "Economía en alza otra vez"]
    assert findings[0].facts["dominant"] is None


@pytest.mark.parametrize(("share", "declared"), [("0.66", True), ("0.67", False), ("1", False)])
async def test_an_outlet_over_the_configured_share_is_declared(
    on_sources: Built, monkeypatch: pytest.MonkeyPatch, share: str, declared: bool
) -> None:
    monkeypatch.setenv("NEWS_DOMINANT_SHARE", share)
    answer, findings = await on_sources(NewsAgent).answer_without_model("noticias", "es")
    told = "Nota: el 67 % de estos titulares viene de un solo medio, One."
    assert (told in answer) is declared
    assert (findings[0].facts["dominant"] is not None) is declared


@pytest.mark.checklist("ETH-2")
async def test_a_caller_is_told_that_one_outlet_dominates(
    on_sources: Built, monkeypatch: pytest.MonkeyPatch, door: Door
) -> None:
    monkeypatch.setenv("NEWS_DOMINANT_SHARE", "0.66")
    client = await door.open(Settings(database_url="memory://"), [NewsAgent])
    reply = (await client.post("/v1/chat", json={"message": "¿Qué noticias hay?"})).json()
    assert "el 67 % de estos titulares viene de un solo medio, One." in reply["answer"]
    assert {source["title"].partition(":")[0] for source in reply["sources"]} == {"One", "Two"}


@pytest.mark.parametrize("reply", [Hang(), Drip()], ids=["hangs", "drips"])
async def test_an_outlet_that_does_not_end_holds_up_no_other(
    soon: None, on_sources: Built, sources: DataSources, reply: Reply
) -> None:
    sources.answer(RSS, reply)
    answer, _ = await on_sources(NewsAgent).answer_without_model("news", "en")
    assert "- Economía en alza otra vez (Two)" in answer
    assert answer.endswith("Not reached: One.")


@pytest.mark.checklist("TEST-4", "TEST-5")
@pytest.mark.parametrize(
    "reply",
    [
        Json({}, 503),
        Json({}, 429),
        Json({"items": []}),
        Xml("<rss><channel><item>"),
        Xml("<html/>"),
        Body(b"<rss/>", content_type="text/html"),
    ],
    ids=["503", "429", "json", "truncated", "no feed", "html"],
)
async def test_an_outlet_that_fails_is_named_and_the_others_still_answer(
    on_sources: Built, sources: DataSources, reply: Reply
) -> None:
    sources.answer(RSS, reply)
    answer, findings = await on_sources(NewsAgent).answer_without_model("noticias", "es")
    assert "- Economía en alza otra vez (Two)" in answer
    assert answer.endswith("No respondieron: One.")
    assert findings[0].facts["outlets"] == ["Two"]


async def test_no_outlet_at_all_is_an_unavailable_source(on_sources: Built, sources: DataSources) -> None:
    sources.answer(RSS, Json({}, 500))
    sources.answer(ATOM, Json({}, 500))
    with pytest.raises(SourceUnavailable, match="no outlet answered: One, Two"):
        await on_sources(NewsAgent).answer_without_model("news", "en")


@pytest.mark.parametrize(
    ("question", "language", "told"),
    [
        ("news about quantum gravity", "en", "no headlines about quantum gravity at One, Two"),
        ("noticias de gravedad", "es", "No encontré titulares sobre gravedad en One, Two."),
    ],
)
async def test_a_topic_that_no_headline_meets_is_said_so(
    on_sources: Built, question: str, language: Language, told: str
) -> None:
    answer, findings = await on_sources(NewsAgent).answer_without_model(question, language)
    assert told in answer
    assert findings[0].sources == []


async def test_empty_feeds_are_said_so(on_sources: Built, sources: DataSources) -> None:
    for path in (RSS, ATOM):
        sources.answer(path, Xml("<rss><channel/></rss>"))
    answer, _ = await on_sources(NewsAgent).answer_without_model("news", "en")
    assert answer == "There are no headlines at One, Two right now."


async def test_no_more_headlines_than_the_setting_says(on_samples: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWS_HEADLINES", "2")
    _, findings = await on_samples(NewsAgent).answer_without_model("news", "en")
    assert len(findings[0].facts["headlines"]) == 2


def test_every_default_outlet_has_its_own_sample() -> None:
    for feeds in (FEEDS_EN, FEEDS_ES):
        answers = [NewsSample()(httpx2.Request("GET", url)) for url in feeds.values()]
        titles = [{each.title for each in feed(answer.text).headlines()} for answer in answers]
        assert all(titles)
        assert len(set.union(*titles)) == sum(map(len, titles))


def test_an_outlet_of_your_own_has_a_sample_too() -> None:
    answer = NewsSample()(httpx2.Request("GET", "https://mine.example/feed"))
    assert feed(answer.text).headlines()


@pytest.mark.parametrize("feeds", ["{}", '{"A": "ftp://a.example"}'])
def test_feeds_that_cannot_be_read_stop_the_start(monkeypatch: pytest.MonkeyPatch, feeds: str) -> None:
    monkeypatch.setenv("NEWS_FEEDS_EN", feeds)
    with pytest.raises(ConfigurationError, match="NEWS_FEEDS_EN"):
        NewsSettings()
