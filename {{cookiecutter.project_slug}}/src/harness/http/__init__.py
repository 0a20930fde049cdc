"""The front door: HTTP routes, problem documents and what every request passes on its way in."""
