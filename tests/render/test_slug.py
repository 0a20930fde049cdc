"""The folder's name is made from the service's name, in the same way by both engines."""

from pathlib import Path

import pytest

from tests.template import Template

SLUGS = {
    "Travel Desk": "travel-desk",
    "Información del día: ¿qué tiempo hace en Ñuñoa?": "informacion-del-dia-que-tiempo-hace-en-nunoa",
    "O'Brien & Söhne": "obrien-sohne",
    "--- a -- b ---": "a-b",
    "3D agents": "service-3d-agents",
    "🚀": "service",
    "x" * 60: "x" * 60,
    "9" * 60: "service-" + "9" * 52,
    "Python": "python-service",
}


@pytest.mark.parametrize(("name", "slug"), SLUGS.items())
def test_the_default_slug_is_legal_and_readable(
    questions_only: Template, tmp_path: Path, engine: str, name: str, slug: str
) -> None:
    made = questions_only.with_engine(engine, tmp_path / "made", {"project_name": name})
    assert made.answers()["project_slug"] == slug
    assert made.answers()["repository_url"].endswith(f"/{slug}")
