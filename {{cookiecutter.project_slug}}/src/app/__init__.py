"""This service: its agents and what is its own. Everything here is yours to edit."""
