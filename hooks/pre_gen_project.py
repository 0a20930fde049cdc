"""Refuses answers that no project could live with, before a file is written.

The rules are data in ``cookiecutter.json``; copier's validators are made from the same ones and say the same sentence.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any


def sentence(question: str, given: object, allowed: str, example: str) -> str:
    """What was given, what is allowed, an example: the one wording of a refusal."""
    return f"{question} cannot be {given!r}: it must be {allowed}, for example {example}."


def refusals(context: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each answer in cookiecutter's context that breaks its rule."""
    for question, rule in context["_rules"].items():
        given = context[question]
        is_text = isinstance(given, str)
        if not is_text or not re.search(rule["pattern"], given) or given in rule.get("refused", ()):
            yield sentence(question, given, rule["allowed"], rule["example"])


def main() -> int:
    context = json.loads(r"""{{ cookiecutter | tojson }}""")
    refused = list(refusals(context))
    for line in refused:
        print(line, file=sys.stderr)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
