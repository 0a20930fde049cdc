"""A turn starts with the admitted question, and with nothing of the turn before."""

from app.graph.admit import Admission, Guards
from app.graph.state import Exchange, State
from app.guardrails.inbound import InboundGuard
from app.guardrails.injection_guard import InjectionGuard
from app.guardrails.personal_policy import PersonalPolicy
from app.prompts.language import LanguageDetector


def admission() -> Admission:
    guards = Guards(InboundGuard(100), InjectionGuard(), PersonalPolicy("card:mask"))
    return Admission(guards, LanguageDetector("en"), lambda language: "")


async def test_the_question_is_the_admitted_message_in_its_language() -> None:
    changes = await admission()(State(message=" ¿Qué\u200b tal? "))
    assert changes["question"] == "¿Qué tal?"
    assert changes["language"] == "es"


async def test_a_bare_detail_is_in_the_language_of_the_thread() -> None:
    before = Exchange(question="¿Cuántas?", language="es", answer="", agents=[], asked=True)
    changes = await admission()(State(message="Saturno", history=[before]))
    assert changes["language"] == "es"


async def test_what_the_turn_before_left_is_forgotten() -> None:
    changes = await admission()(State(message="hi"))
    assert changes["draft"] == ""
    assert changes["outcomes"].value == []
