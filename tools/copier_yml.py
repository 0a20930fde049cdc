"""Writes the generated part of ``copier.yml`` from ``cookiecutter.json``, or says that it is stale.

``python -m tools.copier_yml`` checks, ``python -m tools.copier_yml --write`` rewrites.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.questions import ROOT, Feature, Questions

BEGIN, END = "# >>> made from cookiecutter.json\n", "# <<< made from cookiecutter.json\n"
NAMESPACE = "cookiecutter."
# What both engines read alike.
SWITCHES = ["true", "false", "yes", "no", "on", "off", "1", "0"]


def quoted(value: object) -> str:
    """A YAML double-quoted scalar (JSON is one) or a plain number, true or false."""
    return json.dumps(value, ensure_ascii=False)


class CopierQuestions:
    """The generated lines; every method yields them without line ends."""

    def __init__(self, questions: Questions) -> None:
        self.questions = questions

    def lines(self) -> Iterator[str]:
        for name in self.questions.defaults:
            yield from self._question(name)
        yield from self._namespace()
        yield from self._exclude()

    def _question(self, name: str) -> Iterator[str]:
        default, prompt = self.questions.defaults[name], self.questions.prompts[name]
        yield f"{name}:"
        if isinstance(default, list):
            yield from ("  type: str", f"  help: {quoted(prompt['__prompt__'])}", f"  default: {quoted(default[0])}")
            yield "  choices:"
            yield from (f"    {quoted(prompt[choice])}: {quoted(choice)}" for choice in default)
        elif isinstance(default, bool):
            yield from ("  type: bool", f"  help: {quoted(prompt)}", f"  default: {quoted(default)}")
            yield f"  validator: {quoted(self._switch_validator(name))}"
        else:
            yield from ("  type: str", f"  help: {quoted(prompt)}", f"  default: {quoted(self._expression(default))}")
            yield f"  validator: {quoted(self._validator(name))}"
        yield ""

    def _expression(self, default: str) -> str:
        """The default in copier's words: no namespace, and the private lists written out."""
        for name, rule in self.questions.rules.items():
            refused = f"{NAMESPACE}_rules.{name}.refused"
            default = default.replace(refused, quoted(rule.get("refused", [])))
        return default.replace(NAMESPACE, "")

    def _validator(self, name: str) -> str:
        rule = self.questions.rules[name]
        breaks = f"not ({name} | regex_search({quoted(rule['pattern'])}))"
        if "refused" in rule:
            breaks += f" or {name} in {quoted(rule['refused'])}"
        said = f"%s cannot be %r: it must be {rule['allowed']}, for example {rule['example']}."
        return "{% if " + breaks + " %}{{ " + f'{quoted(said)} | format("{name}", {name})' + " }}{% endif %}"

    @staticmethod
    def _switch_validator(name: str) -> str:
        # copier takes every text for true ("f" too) and shows a validator what it made of it: look at what was given.
        given = f'_copier_conf.data.get("{name}", {name})'
        said = quoted("%s cannot be %r: it must be true or false, for example true.")
        breaks = f"({given} | string | lower) not in {quoted(SWITCHES)}"
        return "{% if " + breaks + " %}{{ " + f'{said} | format("{name}", {given})' + " }}{% endif %}"

    def _namespace(self) -> Iterator[str]:
        heading = quoted(self.questions.answers_heading)
        extras = f"_answers_file=_copier_conf.answers_file | string, _answers_heading={heading}"
        extras += "".join(f", {name}={quoted(value)}" for name, value in self.questions.starter.items())
        yield "# Last, so that it holds every answer: what the template's files know. Never asked, never stored."
        yield from ("cookiecutter:", "  type: json", "  when: false")
        yield f"  default: {quoted('{{ dict(_copier_answers, ' + extras + ') | tojson }}')}"
        yield ""

    def _exclude(self) -> Iterator[str]:
        yield "_exclude:"
        yield "  # What tools leave in the template folder."
        yield from (f"  - {quoted(pattern)}" for pattern in self.questions.leftovers)
        yield "  # Features that were not chosen."
        for feature in self.questions.features:
            yield self._only_if(f"not ({self._chosen(feature)})", feature.paths)
        yield "  # The user's own: written once, never updated (and never brought back when deleted)."
        yield self._only_if("_copier_operation == 'update'", self.questions.user_owned)
        yield "  # ... except where this very update switches their feature on: they come beside what the user has."
        for feature, paths in self._owned_by_features():
            yield self._only_if(self._is_new(feature), paths, prefix="!/")
        yield ""
        yield "_skip_if_exists:"
        yield from (f"  - {quoted(f'/{path}')}" for _, paths in self._owned_by_features() for path in paths)

    def _owned_by_features(self) -> Iterator[tuple[Feature, tuple[str, ...]]]:
        for feature in self.questions.features:
            owned = [path for path in feature.paths if self.questions.is_user_owned(path)]
            inside = tuple(f"{path}/" for path in feature.paths)
            owned += [path for path in self.questions.user_owned if path.startswith(inside)]
            if owned:
                yield feature, tuple(owned)

    @staticmethod
    def _only_if(condition: str, paths: tuple[str, ...], prefix: str = "/") -> str:
        """One entry of several patterns: copier splits an entry at its line ends after rendering."""
        patterns = "\n".join(f"{prefix}{path}" for path in paths)
        return "  - " + quoted("{% if " + condition + " %}" + patterns + "{% endif %}")

    def _chosen(self, feature: Feature) -> str:
        # An update renders the release that the project comes from with these exclusions and the answers of then: a
        # question that is new since is undefined there.
        return " and ".join(
            f"{question} | default({quoted(self._default(question))}) == {quoted(answer)}"
            for question, answer in feature.when.items()
        )

    def _default(self, question: str) -> object:
        default = self.questions.defaults[question]
        return default[0] if isinstance(default, list) else default

    def _is_new(self, feature: Feature) -> str:
        # copier renders the old and the new project in scratch folders as well, there with every answer given as data;
        # only the run in the user's own folder has the answers from before. A question that is not among them is new.
        first = next(iter(self.questions.defaults))
        before = " and ".join(
            f"_external_data.before.get({quoted(question)}) == {quoted(answer)}"
            for question, answer in feature.when.items()
        )
        in_place = f"_copier_operation == 'update' and {quoted(first)} not in _copier_conf.data"
        return f"{in_place} and {self._chosen(feature)} and not ({before})"


def with_questions(text: str, questions: Questions) -> str:
    """``copier.yml`` with everything between the marks made anew."""
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    made = "".join(f"{line}\n" for line in CopierQuestions(questions).lines())
    return f"{head}{BEGIN}{made}{END}{tail}"


def main(arguments: list[str], root: Path = ROOT) -> int:
    path = root / "copier.yml"
    there = path.read_text(encoding="utf-8")
    wanted = with_questions(there, Questions.read(root))
    if there == wanted:
        return 0
    if "--write" in arguments:
        path.write_text(wanted, encoding="utf-8", newline="\n")
        return 0
    print("copier.yml is stale: run `nox -s stale -- --write` after a change of cookiecutter.json", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
