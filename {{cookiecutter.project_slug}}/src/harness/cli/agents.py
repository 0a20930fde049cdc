"""`agents`: who answers here."""

from rich.console import Console
from rich.table import Table

from ..application import Application
from ..settings import Settings


class AgentList:
    """The agents as a table."""

    def run(self) -> int:
        """Print the table in the service's language; the exit code."""
        language = Settings().language
        table = Table("Agent", "Answers", "Try")
        for agent in Application.load().agents:
            examples = "\n".join(agent.examples[language])
            table.add_row(agent.name, agent.description[language], examples)
        Console(markup=False, highlight=False).print(table)
        return 0
