"""A library that waits in threads asks the factory's models, and sends nothing of its own."""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage

from harness.models.blocking_model import BlockingModel


def test_it_passes_messages_on_and_no_parameter_of_the_library() -> None:
    heard: list[Sequence[BaseMessage]] = []

    def ask(messages: Sequence[BaseMessage]) -> str:
        heard.append(messages)
        return "3"

    asked = [HumanMessage("How good is it?")]
    assert BlockingModel(ask=ask).invoke(asked, temperature=0.0).text == "3"
    assert heard == [asked]
