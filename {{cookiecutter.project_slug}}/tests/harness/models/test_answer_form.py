"""Tests of `answer_form`, `endings`, `thoughts`, `text_form` and `loose_json`: what they make of one answer."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from pydantic import BaseModel

from harness.models.answer_form import CUT, AnswerForm
from harness.models.endings import Ending, Endings
from harness.models.failures import ModelCallFailed
from harness.models.loose_json import LooseJson
from harness.models.text_form import TextForm, TextPieces
from harness.models.thoughts import Thoughts


@pytest.mark.parametrize(
    ("metadata", "ending"),
    [
        ({"finish_reason": "stop"}, "whole"),
        ({"finish_reason": "tool_calls"}, "whole"),
        ({"finish_reason": "STOP"}, "whole"),
        ({"stop_reason": "end_turn"}, "whole"),
        ({"stop_reason": "tool_use", "stop_sequence": None}, "whole"),
        ({"stopReason": "stop_sequence"}, "whole"),
        ({"done_reason": "stop"}, "whole"),
        ({"finish_reason": "COMPLETE"}, "whole"),
        ({"finish_reason": "eos_token"}, "whole"),
        ({"status": "completed", "incomplete_details": None}, "whole"),
        ({"finish_reason": "length"}, "cut"),
        ({"finish_reason": "MAX_TOKENS"}, "cut"),
        ({"stop_reason": "max_tokens"}, "cut"),
        ({"stopReason": "model_context_window_exceeded"}, "cut"),
        ({"done_reason": "length"}, "cut"),
        ({"finish_reason": "model_length"}, "cut"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "cut"),
        ({"finish_reason": "something_new"}, "cut"),
        ({"finish_reason": "content_filter"}, "withheld"),
        ({"stop_reason": "refusal"}, "withheld"),
        ({"stopReason": "guardrail_intervened"}, "withheld"),
        ({"finish_reason": "PROHIBITED_CONTENT"}, "withheld"),
        ({"finish_reason": "ERROR_TOXIC"}, "withheld"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "withheld"),
        ({"finish_reason": "error"}, "failed"),
        ({"finish_reason": "MALFORMED_FUNCTION_CALL"}, "failed"),
        ({"finish_reason": "insufficient_system_resource"}, "failed"),
        ({"stop_reason": "pause_turn"}, "failed"),
        ({"status": "failed"}, "failed"),
        ({}, None),
        ({"finish_reason": None, "model_name": "m"}, None),
        ({"finish_reason": ""}, None),
        ({"status": 200}, None),
    ],
    ids=str,
)
def test_every_provider_s_word_for_the_end_is_read(metadata: dict[str, Any], ending: Ending | None) -> None:
    assert Endings.of(metadata) == ending


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("One. Two. Thr", "One. Two."),
        ("One? Two", "One?"),
        ("It costs 3.", ""),
        ("It costs 3. And", "It costs 3."),
        ("no end", ""),
        ("1. First\n2. Sec", "1. First"),
        ("- a\n- b\n- unfin", "- a\n- b"),
        ('She said "no." Then', 'She said "no."'),
        ("今日は晴れ。明日", "今日は晴れ。"),
        ("Done.", "Done."),
    ],
)
def test_what_is_whole_of_a_cut_text_ends_with_a_sentence(text: str, whole: str) -> None:
    assert Endings.sentences(text) == whole


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("<think>a</think>\n\nb", "b"),
        ("<thinking>a\n</thinking>b", "b"),
        ("a<think>b", "a"),
        ("a</think>b", "b"),
        ("[THINK]a[/THINK]b", "b"),
        ("◁think▷a◁/think▷b", "b"),
        ("<|begin_of_thought|>a<|end_of_thought|>b", "b"),
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|return|>", "b"),
        ("b</s>", "b"),
        ("b<|im_end|>", "b"),
        ("3 < 5 and [1] and a <b> and <thinker>", "3 < 5 and [1] and a <b> and <thinker>"),
        ("", ""),
    ],
)
def test_thoughts_are_left_out_whole_and_letter_by_letter(said: str, left: str) -> None:
    assert Thoughts.left_out(said) == left
    pieces = Thoughts()
    streamed = "".join([*map(pieces.feed, said), pieces.end()])
    assert streamed.rpartition(Thoughts.CLOSED)[2].strip() == left
    assert pieces.has_unopened == (Thoughts.CLOSED in streamed)


FLAG = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\u2028b\x0bc\x85d", "a\nb\nc\nd"),
        ("so\u00adft \u200eleft\u200f \ufeff\u2060\u200b", "soft left "),
        (f"{FLAG} 👩\u200d🚀 می\u200cروم", f"{FLAG} 👩\u200d🚀 می\u200cروم"),
        ("a\u200db", "ab"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("😀\U000e0153\U000e0154", "😀"),
        ("\ud83d\ude80 \ud83d", "🚀 "),
        ("red \x1b[31m and \u202eturned", "red \x1b[31m and \u202eturned"),  # the guard's
        ("a\tb\nc", "a\tb\nc"),
    ],
)
def test_a_text_has_one_form_whole_and_unit_by_unit(text: str, plain: str) -> None:
    assert TextForm.plain(text) == plain
    assert TextForm.plain(plain) == plain
    pieces = TextPieces()
    units = text.encode("utf-16-le", "surrogatepass")
    halves = [units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)]
    assert "".join([*(pieces.feed(TextForm.carried(it)) for it in halves), pieces.end()]) == plain


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ('{"a": 1}', {"a": 1}),
        ({"a": 1}, {"a": 1}),
        (None, {}),
        ("", {}),
        ("null", {}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ('{"a": [1, 2,],}', {"a": [1, 2]}),
        ('{"a": ", }"}', {"a": ", }"}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ("{'a': True}", {"a": True}),
        ('{"a": "two\nlines"}', {"a": "two\nlines"}),
        ('{"a": "b', None),
        ("{a", None),
        ("[1]", None),
        ("3", None),
        ('{"a":' * 5000, None),
    ],
    ids=lambda it: str(it)[:30],
)
def test_arguments_are_read_where_their_meaning_is_plain(given: Any, read: dict[str, Any] | None) -> None:
    assert LooseJson.arguments(given) == read


def test_objects_are_found_among_words_and_not_inside_of_each_other() -> None:
    text = 'First {x} then {"a": {"b": 1},} and {"c": 2}.'
    assert list(LooseJson.objects_in(text)) == [{"a": {"b": 1}}, {"c": 2}]


class Plan(BaseModel):
    """A plan."""

    steps: int


FORM = AnswerForm.of([Plan], {"tool_choice": "any"})
FREE = AnswerForm.of([Plan], {})


@pytest.mark.parametrize(
    ("text", "when_required", "else_"),
    [
        ('{"steps": 1}', {"steps": 1}, None),
        ('Here it is: {"steps": 1}. Good?', {"steps": 1}, None),
        ('{"name": "Plan", "arguments": {"steps": 1}}', {"steps": 1}, {"steps": 1}),
        ('```json\n{"name": "Plan", "parameters": "{\\"steps\\": 1}"}\n```', {"steps": 1}, {"steps": 1}),
        ('[TOOL_CALLS][{"name": "Plan", "arguments": {"steps": 1}}]', {"steps": 1}, {"steps": 1}),
        ('Ok.\n<tool_call>{"name": "Plan", "arguments": {"steps": 1}}</tool_call>', {"steps": 1}, {"steps": 1}),
        ('{"type": "function", "function": {"name": "Plan", "arguments": {"steps": 1}}}',) + ({"steps": 1},) * 2,
        ("Nothing to do.", None, None),
    ],
    ids=lambda it: str(it)[:40],
)
def test_a_call_that_is_written_as_text_is_a_call(text: str, when_required: Any, else_: Any) -> None:
    for form, wanted in ((FORM, when_required), (FREE, else_)):
        answers = [form.whole(AIMessage(text)), form.joined(pieces_of(form, text))]
        for answer in answers:
            assert [it["args"] for it in answer.tool_calls] == ([wanted] if wanted else [])
            assert answer.text == ("" if wanted else text)


def pieces_of(form: AnswerForm, text: str, finish: str = "stop") -> Sequence[AIMessageChunk]:
    reader = form.pieces()
    chunks = [AIMessageChunk(content=sign) for sign in text]
    chunks.append(AIMessageChunk(content="", response_metadata={"finish_reason": finish}))
    return [*map(reader.feed, chunks), reader.end()]


def test_text_that_only_looks_like_a_call_is_said() -> None:
    assert "".join(it.text for it in pieces_of(FREE, "[1] is the source.")) == "[1] is the source."


def test_a_text_that_must_be_json_is_brought_to_it() -> None:
    form = AnswerForm.of([], {"response_format": {"type": "json_schema"}})
    assert form.whole(AIMessage('Sure:\n```json\n{"a": 1,}\n```')).text == '{"a":1}'


def test_calls_without_an_id_or_with_the_same_get_their_own() -> None:
    calls = [{"name": "Plan", "args": {"steps": at}, "id": given} for at, given in enumerate((None, "x", "x", ""))]
    answer = FREE.whole(AIMessage("", tool_calls=calls))
    ids = [it["id"] for it in answer.tool_calls]
    assert len(set(ids)) == len(ids)
    assert ids[1] == "x"
    assert all(ids)


def test_the_last_count_of_a_stream_is_its_usage() -> None:
    reader = AnswerForm().pieces()
    counts = [(10, 1), (10, 2), (0, 3)]
    for given, got in counts:
        tokens: Any = {"input_tokens": given, "output_tokens": got, "total_tokens": given + got}
        piece = AIMessageChunk(content="a", usage_metadata=tokens, response_metadata={"finish_reason": "stop"})
        assert reader.feed(piece).usage_metadata is None
    last = reader.end().usage_metadata
    assert last is not None
    assert (last["input_tokens"], last["output_tokens"]) == (10, 3)


def test_the_worst_end_that_a_stream_names_counts() -> None:
    reader = AnswerForm().pieces()
    for finish in ("stop", "content_filter", "stop"):
        reader.feed(AIMessageChunk(content="a", response_metadata={"finish_reason": finish}))
    with pytest.raises(ModelCallFailed, match="withheld"):
        reader.end()


def test_held_words_come_at_the_end_without_thoughts() -> None:
    reader = AnswerForm().pieces(is_held=True)
    pieces = [reader.feed(AIMessageChunk(content=it)) for it in ("thought", "</think>", "word")]
    pieces.append(reader.feed(AIMessageChunk(content="", response_metadata={"finish_reason": "stop"})))
    assert [it.text for it in [*pieces, reader.end()]] == ["", "", "", "", "word"]


def test_a_cut_answer_in_blocks_keeps_its_whole_sentences() -> None:
    blocks: Any = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "One.\r\nTw"}]
    answer = AnswerForm().whole(AIMessage(blocks, response_metadata={"stop_reason": "max_tokens"}))
    assert answer.text == "One."
    assert answer.response_metadata[CUT]
