"""Labelled sets and the tests that measure the guards on them, run by `tools/guards.py` in a project's environment."""
