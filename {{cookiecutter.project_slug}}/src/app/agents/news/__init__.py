"""Headlines of several outlets, from their feeds."""
