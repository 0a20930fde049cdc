"""The six prototypes, as people bring them and as they stand in a project, and how far apart the two are."""

from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from pathlib import Path

from tools.questions import ROOT

HERE = Path(__file__).parent
NAMES = ("orders_agent", "desk_supervisor", "travel_handoffs", "research_plan", "post_writer", "sign_up")


def changed_lines(before: str, after: str) -> int:
    """Lines that a person changes, adds or takes away to get from one text to the other."""
    matcher = SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    return sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal")


@dataclass(frozen=True)
class Move:
    """One prototype on its way into `src/app` of a project."""

    name: str

    @property
    def original(self) -> str:
        return (HERE / "originals" / f"{self.name}.py").read_text(encoding="utf-8")

    def files(self) -> dict[str, str]:
        """What its owner writes: path in the project -> text."""
        folder = HERE / "moved" / self.name
        return {f"src/app/{path.name}": path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))}

    @property
    def own_file(self) -> str:
        return f"src/app/{self.name}.py"

    def inside(self) -> int:
        """Lines changed in the prototype's own file."""
        return changed_lines(self.original, self.files()[self.own_file])

    def outside(self, project: Path) -> int:
        """Lines changed or added in the other files of a freshly generated project."""
        before = {name: project / name for name in self.files() if name != self.own_file}
        texts = {name: path.read_text(encoding="utf-8") if path.exists() else "" for name, path in before.items()}
        return sum(changed_lines(text, self.files()[name]) for name, text in texts.items())

    def diff(self) -> str:
        """The change of its own file, as the page `docs/prototypes.md` of a project shows it."""
        lines = unified_diff(self.original.splitlines(), self.files()[self.own_file].splitlines(), n=0, lineterm="")
        return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


PAGE = ROOT / "{{cookiecutter.project_slug}}" / "docs" / "prototypes.md"
