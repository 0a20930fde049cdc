"""Evaluation: whether the agents are right, fair and steady, with numbers. The service imports nothing of it."""
