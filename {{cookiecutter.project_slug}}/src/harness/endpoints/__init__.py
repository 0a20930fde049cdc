"""More protocols beside `/v1`: a package each, imported only where ENDPOINTS names it. What one is: `http/endpoint.py`."""
