"""Judges over recorded runs: our own, Ragas' and TruLens', each row measured or told why not."""
