"""A supervisor that calls two specialists as if they were tools."""

from datetime import date

from langchain.agents import create_agent
from langchain.tools import tool

import harness

model = harness.model("agent")


@tool
def free_slots(day: str) -> list[str]:
    """Free slots of a day, given as YYYY-MM-DD."""
    return ["09:00", "11:30", "16:00"] if date.fromisoformat(day).weekday() < 5 else []


@tool
def book(day: str, slot: str, title: str) -> str:
    """Put an appointment into the calendar."""
    return f"booked {title} on {day} at {slot}"


@tool
def send_mail(to: str, subject: str, body: str) -> str:
    """Send an e-mail."""
    return f"sent to {to}: {subject}"


keeping = harness.Policy(tools={"free_slots"}, requires_approval={"book"})
days = harness.tools(free_slots, book, policy=keeping, agent="calendar")
letters = harness.tools(send_mail, policy=harness.Policy(requires_approval={"send_mail"}), agent="mail")
calendar = create_agent(model, days, system_prompt="You keep a calendar. Say what you did.")
mail = create_agent(model, letters, system_prompt="You write e-mails. Say what you sent.")


@tool
def ask_calendar(request: str) -> str:
    """Have the calendar specialist read or change the calendar; say it in plain words."""
    return calendar.invoke({"messages": [("user", request)]})["messages"][-1].text


@tool
def ask_mail(request: str) -> str:
    """Have the mail specialist write to somebody; say it in plain words."""
    return mail.invoke({"messages": [("user", request)]})["messages"][-1].text


graph = create_agent(
    model,
    harness.tools(ask_calendar, ask_mail, policy=harness.Policy(tools={"ask_calendar", "ask_mail"}), agent="assistant"),
    system_prompt="You are a personal assistant. Split what is asked between your specialists, then sum up.",
)
