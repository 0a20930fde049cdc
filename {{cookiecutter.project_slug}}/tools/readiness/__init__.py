"""The readiness report: which boxes of the production checklist this project proves, and by which tests.

A test names the boxes that it proves: `@pytest.mark.checklist("OBS-5")`, on a function, a class or a module.
`python -m tools.readiness` runs all tests and writes `readiness/`; with arguments of pytest, those tests alone.
What each state means says `report.State`.

What asserts: an `assert` in the test's own run that holds more than a constant. One in a fixture or in a module that
pytest does not rewrite is not seen, and `pytest.raises` alone is none: assert what it caught.
"""
