"""Which capitalised words are names that nothing gave."""

import pytest

from harness.guards.names import ProperNounCheck

EVIDENCE = ["Londres, Reino Unido", "the Central Bank of Norway", "Bogotá", "Tokio"]


@pytest.mark.parametrize(
    "answer",
    [
        "It rains in London, United Kingdom.",
        "Rain. Tomorrow: Sun. - Snow\n* Wind (“Storm”)",
        "The Norwegian bank? No. Norway's bank.",
        "In Bogota and in Tokyo, on Monday in March, I'm OK.",
        "The ECB and the BBC say so.",
        "see https://Example.example/Path and #Tag",
    ],
)
def test_a_known_name_and_what_is_no_name_pass(answer: str) -> None:
    assert ProperNounCheck(EVIDENCE).unsupported(answer) == []


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("It rains in Vladivostok.", ["Vladivostok"]),
        ("So says Reuters, and Hannah Fischer too.", ["Reuters", "Hannah", "Fischer"]),
        ("Lo dijo Kowalski.", ["Kowalski"]),
    ],
)
def test_an_invented_name_is_named(answer: str, named: list[str]) -> None:
    assert ProperNounCheck(EVIDENCE).unsupported(answer) == named


def test_the_evidence_is_not_read_for_a_text_without_names() -> None:
    read: list[str] = []

    def evidence() -> object:
        read.append("read")
        yield "x"

    names = ProperNounCheck(evidence())  # type: ignore[arg-type] # an iterator of texts
    assert names.unsupported("It is fine. Really.") == []
    assert read == []
    assert names.unsupported("It is Xyz.") == ["Xyz"]
