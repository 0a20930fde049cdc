"""The scans of `nox -s security`: code, locked versions, files. A scan that could not look counts as failed."""
