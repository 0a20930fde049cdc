"""Owns every model: which one answers in which role, how it is called, and what the call cost."""
