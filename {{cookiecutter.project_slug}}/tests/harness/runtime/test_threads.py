import pytest

from harness.errors import ThreadUnknown
from harness.runtime.state import Turn
from harness.runtime.threads import History, Threads
from harness.service import Service
from harness.settings import Settings
from harness.storage.memory import MemoryStore
from harness.storage.thread_ref import PUBLIC, ThreadRef
from tests.support.agents import TEST_AGENTS

T = ThreadRef("t", PUBLIC)


async def test_a_thread_is_told_as_far_as_it_is_remembered(settings: Settings) -> None:
    settings = settings.model_copy(update={"history_turns": 1})
    store = MemoryStore()
    service = Service(settings, TEST_AGENTS, store)
    await service.ask("Moons of Mars", T)
    await service.ask("Moons of Saturn", T)
    thread = await Threads(settings, store).read(T)
    assert [message.text for message in thread.messages] == [
        "Moons of Saturn",
        "saturn has 146 moons.",
    ]
    await service.aclose()


async def test_an_unknown_thread_is_neither_read_nor_deleted(settings: Settings) -> None:
    threads = Threads(settings, MemoryStore())
    with pytest.raises(ThreadUnknown):
        await threads.read(T)
    with pytest.raises(ThreadUnknown):
        await threads.delete(T)


def exchange(at: int, chars: int = 100) -> Turn:
    question = f"question {at}"
    answer = "a" * (chars - len(question))
    return Turn(question=question, language="en", answer=answer, agents=["a"], asked=False)


def questions(exchanges: list[Turn]) -> list[str]:
    return [it["question"].removeprefix("question ") for it in exchanges]


@pytest.mark.parametrize(
    ("turns", "kept"), [(0, ""), (1, "3"), (3, "123"), (4, "0123"), (9, "0123")]
)
def test_the_newest_turns_are_kept(turns: int, kept: str) -> None:
    all_of_them = [exchange(at) for at in range(4)]
    assert questions(History(turns, 10_000).trimmed(all_of_them)) == list(kept)


@pytest.mark.parametrize(
    ("max_tokens", "kept"), [(74, "23"), (75, "123"), (76, "123"), (99, "123"), (100, "0123")]
)
def test_the_oldest_leave_when_they_are_too_much_to_read(max_tokens: int, kept: str) -> None:
    all_of_them = [exchange(at, chars=100) for at in range(4)]  # 25 tokens each
    assert questions(History(9, max_tokens).trimmed(all_of_them)) == list(kept)


def test_the_last_exchange_stays_whatever_its_size() -> None:
    assert questions(History(9, 0).trimmed([exchange(0), exchange(1)])) == ["1"]


def test_what_a_model_reads_stays_flat_over_two_hundred_turns() -> None:
    history = History(max_turns=50, max_tokens=500)
    kept: list[Turn] = []
    sizes = []
    for at in range(200):
        kept = history.trimmed([*kept, exchange(at, chars=200)])
        sizes.append(len(History.transcript(kept)))
    assert max(sizes) <= 500 * History.CHARS_PER_TOKEN + 50 * len("User: \nService: \n")
    assert max(sizes) - sizes[20] < 50


def test_a_new_thread_has_nothing_to_tell() -> None:
    assert History.transcript([]) == "-"


@pytest.mark.parametrize("count", [1, 3, 4, 5, 6])
def test_a_thread_that_is_not_full_yet_keeps_all_of_it(count: int) -> None:
    """Earned by a slice from a negative index: the fourth of six turns made two forgotten."""
    turns = [exchange(number) for number in range(count)]
    assert History(max_turns=6, max_tokens=1000).trimmed(turns) == turns
