"""The generated service beside the bare floors, driven in one run by the same load tool: ratios, never a timed test."""
