"""The forecast of a place, from Open-Meteo."""
