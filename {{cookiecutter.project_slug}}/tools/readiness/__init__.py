"""The readiness report: which boxes of the production checklist this project proves, and by which tests.

A test names the boxes that it proves: `@pytest.mark.checklist("OBS-5")`, on a function, a class or a
module (`pytestmark = ...`). `python -m tools.readiness` runs the tests and writes `readiness/`. A state
comes from a run alone, never from a file that exists:

proven      a test with its id ran, passed and asserted something, and none failed
failed      a test with its id failed, or a figure that the run measures missed its bound
unproven    its tests were skipped, or passed without an assertion; the reason is shown
missing     no test carries its id
not chosen  it belongs to a feature that was left out at generation

What asserts: an `assert` statement in the test's own run that holds more than a constant. One in a fixture
or in a module that pytest does not rewrite is not seen, and `pytest.raises` alone is none: assert what it
caught.
"""
