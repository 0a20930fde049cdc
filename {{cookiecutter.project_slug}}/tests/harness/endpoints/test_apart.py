"""Each endpoint's package can be left out: nothing else imports it, no other endpoint either."""

from collections.abc import Iterator

import grimp
import pytest


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    """Of the harness, each endpoint's package as one module."""
    graph = grimp.build_graph("harness", cache_dir=None)
    for name in graph.find_children("harness.endpoints"):
        graph.squash_module(name)
    return graph


def test_no_module_imports_an_endpoint(imports: grimp.ImportGraph) -> None:
    assert sorted(importers(imports)) == []


def importers(graph: grimp.ImportGraph) -> Iterator[str]:
    """`who -> endpoint`."""
    for endpoint in graph.find_children("harness.endpoints"):
        for module in graph.find_modules_that_directly_import(endpoint):
            yield f"{module} -> {endpoint}"
