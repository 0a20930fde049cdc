import shlex
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from harness.application import Application
from harness.cli import main
from harness.cli.ask import Ask
from harness.runtime.replies import AgentReport, Reply, SourceRef, UsageReport
from tests.support.agents import TEST_AGENTS
from tests.support.writing_agent import OrdersAgent

REPLY = Reply(
    answer="Marte tiene [2] lunas.",
    language="es",
    agents=[AgentReport(name="moons", question="lunas", status="answered")],
    sources=[SourceRef(title="Table", url="https://tables.example")],
    degraded=True,
    degraded_because=["source_unavailable", "model_unavailable"],
    notices=["Los datos son de muestra."],
    usage=UsageReport(),
    thread_id="t1",
    run_id="r1",
)


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "en")  # "Cancel order 7" tells none


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Application, "load", lambda: Application(TEST_AGENTS))


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> list[httpx2.Request]:
    """A service at another address: what it was asked."""
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        match request.url.host:
            case "refuses":
                return httpx2.Response(422, json={"detail": "message: too long"})
            case "fails":
                return httpx2.Response(503, json={"detail": "later"})
            case "nobody":
                raise httpx2.ConnectError("refused")
        return httpx2.Response(200, json=REPLY.model_dump())

    plain = httpx2.AsyncClient
    monkeypatch.setattr(
        httpx2, "AsyncClient", lambda **options: plain(transport=httpx2.MockTransport(answer), **options)
    )
    return asked


def test_a_question_is_answered_in_this_process(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "How many moons has Mars?"]) == 0
    told = capsys.readouterr()
    answer, sources, *_ = told.out.split("\n\n")
    assert answer == "mars has 2 moons."
    assert sources == "Sources:\n- Table of moons https://tables.example/moons"
    assert "USE_FAKE_DATA" in told.out
    assert "\x1b" not in told.out
    (line,) = told.err.strip().splitlines()  # of the audit trail, and nothing else
    assert '"event":"audit"' in line


def test_a_thread_goes_on_from_one_command_to_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    main(["ask", "How many moons has Mars?", "--thread", "t1"])
    main(["ask", "And Saturn?", "--thread", "t1"])
    assert "saturn has 146 moons." in capsys.readouterr().out


def test_an_answer_that_lacks_a_part_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "Tides in Vigo"]) == 0
    told = capsys.readouterr()
    assert "Less than a full answer: source_unavailable" in told.out
    [line] = [it for it in told.err.splitlines() if "agent_without_source" in it]
    assert '"reason":"' in line  # why, and what to do


def test_the_command_to_decide_begins_as_this_one_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["/a b/python", "/a b/agent-service", "ask", "ask again"])
    assert Ask._program() == ["/a b/python", "/a b/agent-service"]


def test_what_is_logged_stands_below_the_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    both = (tmp_path / "terminal").open("w")
    monkeypatch.setattr(sys, "stderr", both)
    monkeypatch.setattr(sys, "stdout", both)
    assert main(["ask", "Tides in Vigo"]) == 0
    both.close()
    told = (tmp_path / "terminal").read_text()
    assert told.index("Less than a full answer") < told.index('"event":"')


def test_what_waits_is_printed_with_the_way_to_decide_and_decided(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Application, "load", lambda: Application((*TEST_AGENTS, OrdersAgent)))
    monkeypatch.setattr(OrdersAgent, "ran", [])
    assert main(["ask", "Cancel order 7", "--thread", "t1"]) == 0
    told = capsys.readouterr().out
    assert 'Waits for your decision:\norders.cancel {"number": 7, "reason": "none"}\n' in told
    lines = [shlex.split(it) for it in told.splitlines() if " decide " in it]
    assert [it[:3] for it in lines] == [[sys.executable, "-m", "app"]] * 2  # each runs as it stands
    assert OrdersAgent.ran == []
    words, other_words = (it[3:] for it in lines)
    assert main(words) == 0
    told_then = capsys.readouterr()
    assert told_then.out.startswith("Order 7 is cancelled.")
    assert '"decision":"approved"' in told_then.err  # the audit trail
    assert main(other_words) == 1
    assert "decided before" in capsys.readouterr().err
    assert len(OrdersAgent.ran) == 1


def test_another_service_can_be_told_the_decision(
    elsewhere: list[httpx2.Request], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decide", "a1", "reject", "--thread", "t1", "--url", "http://there"]) == 0
    (request,) = elsewhere
    assert str(request.url) == "http://there/v1/threads/t1/approvals/a1"
    assert request.content.decode() == '{"decision":"reject"}'
    assert capsys.readouterr().out.startswith("Marte")


def test_verbose_logs_go_to_stderr(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENABLE_VERBOSE_LOGGING", "true")
    assert main(["ask", "How many moons has Mars?"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("mars has 2 moons.")
    assert '"level":"debug"' in told.err


def test_an_empty_question_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", " "]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[-1].startswith("message: ")


def test_another_service_can_be_asked(elsewhere: list[httpx2.Request], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "¿Lunas?", "--url", "http://there/base/", "--thread", "t1"]) == 0
    (request,) = elsewhere
    assert "authorization" not in request.headers
    assert str(request.url) == "http://there/base/v1/chat"
    assert request.content.decode() == '{"message":"¿Lunas?","thread_id":"t1"}'
    told = capsys.readouterr().out
    assert told == (
        "Marte tiene [2] lunas.\n\n"
        "Fuentes:\n- Table https://tables.example\n\n"
        "No es una respuesta completa: source_unavailable, model_unavailable\n\n"
        "Los datos son de muestra.\n"
    )


@pytest.mark.parametrize(("options", "sent"), [([], "Bearer of-the-environment"), (["--key", "given"], "Bearer given")])
def test_a_key_is_sent_to_the_service_that_is_asked(
    elsewhere: list[httpx2.Request],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    sent: str,
) -> None:
    monkeypatch.setenv("API_KEY", "of-the-environment")
    assert main(["ask", "x", "--url", "http://there", *options]) == 0
    assert elsewhere[0].headers.get("authorization") == sent
    assert "of-the-environment" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("host", "told"), [("refuses", "too long"), ("fails", "unavailable"), ("nobody", "unavailable")]
)
def test_a_service_that_does_not_answer_is_told_in_one_line(
    elsewhere: list[httpx2.Request], capsys: pytest.CaptureFixture[str], host: str, told: str
) -> None:
    assert main(["ask", "x", "--url", f"http://{host}"]) == 1
    assert "thread_id" not in elsewhere[0].content.decode()
    error = capsys.readouterr().err
    assert told in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize("no_colour", [True, False])
def test_a_terminal_gets_colour_unless_no_color_asks_for_none(
    elsewhere: list[httpx2.Request],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    no_colour: bool,
) -> None:
    options: dict[str, Any] = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    for name, value in options.items():
        monkeypatch.setenv(name, value)
    if no_colour:
        monkeypatch.setenv("NO_COLOR", "1")
    main(["ask", "x", "--url", "http://there"])
    assert ("\x1b[36m" in capsys.readouterr().out) is not no_colour


@pytest.mark.parametrize(
    ("language", "shown"), [("en", ("Moons of a planet.", "Tides in Vigo")), ("es", ("Lunas de un", "Mareas en Vigo"))]
)
def test_every_agent_is_listed_in_the_services_language(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, language: str, shown: tuple[str, ...]
) -> None:
    monkeypatch.setattr(Application, "load", lambda: Application(TEST_AGENTS))
    monkeypatch.setenv("LANGUAGE", language)
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["agents"]) == 0
    told = capsys.readouterr().out
    for text in (*shown, "moons", "heights", "flaky", "buggy"):
        assert text in told
