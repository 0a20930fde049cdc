"""Words of the owner's in place of the harness's, from the start to the end."""

from harness import (
    LocalizedMessage,
    Prompt,
)
from harness.prompts.messages import Messages
from harness.prompts.shared import WRITER
from tests.conftest import Door
from tests.support.owner import KEY, Opens


async def test_sentences_and_prompts_are_the_owners_until_the_end(opens: Opens, door: Door) -> None:
    before = Messages.CLARIFY.text, WRITER.text, WRITER.version
    clarify = LocalizedMessage(en="Not ours. $agents", es="No es nuestro. $agents")
    writer = Prompt("writer", "9", {"en": "Write.", "es": "Escribe."})
    client = await opens(messages={"CLARIFY": clarify}, prompts=[writer])
    answer = await client.post("/v1/chat", json={"message": "Who are you?"}, headers=KEY)
    assert answer.json()["answer"].startswith("Not ours. ")
    assert (WRITER.render("en"), WRITER.metadata["prompt_version"]) == ("Write.", "9")
    await door.close()
    assert (Messages.CLARIFY.text, WRITER.text, WRITER.version) == before
