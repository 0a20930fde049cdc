"""Weather codes in words: WMO table 4677, in the part that Open-Meteo uses."""

from collections.abc import Mapping
from typing import Final

from harness import Text

SKY: Final[Mapping[int, Text]] = {
    0: {"en": "clear sky", "es": "cielo despejado"},
    1: {"en": "mostly clear", "es": "mayormente despejado"},
    2: {"en": "partly cloudy", "es": "parcialmente nublado"},
    3: {"en": "overcast", "es": "cubierto"},
    45: {"en": "fog", "es": "niebla"},
    48: {"en": "freezing fog", "es": "niebla helada"},
    51: {"en": "light drizzle", "es": "llovizna ligera"},
    53: {"en": "drizzle", "es": "llovizna"},
    55: {"en": "dense drizzle", "es": "llovizna intensa"},
    56: {"en": "light freezing drizzle", "es": "llovizna helada ligera"},
    57: {"en": "freezing drizzle", "es": "llovizna helada"},
    61: {"en": "light rain", "es": "lluvia ligera"},
    63: {"en": "rain", "es": "lluvia"},
    65: {"en": "heavy rain", "es": "lluvia fuerte"},
    66: {"en": "light freezing rain", "es": "lluvia helada ligera"},
    67: {"en": "freezing rain", "es": "lluvia helada"},
    71: {"en": "light snow", "es": "nieve ligera"},
    73: {"en": "snow", "es": "nieve"},
    75: {"en": "heavy snow", "es": "nieve fuerte"},
    77: {"en": "snow grains", "es": "cinarra"},
    80: {"en": "light showers", "es": "chubascos ligeros"},
    81: {"en": "showers", "es": "chubascos"},
    82: {"en": "violent showers", "es": "chubascos violentos"},
    85: {"en": "light snow showers", "es": "chubascos de nieve ligeros"},
    86: {"en": "snow showers", "es": "chubascos de nieve"},
    95: {"en": "thunderstorm", "es": "tormenta"},
    96: {"en": "thunderstorm with light hail", "es": "tormenta con granizo ligero"},
    99: {"en": "thunderstorm with hail", "es": "tormenta con granizo"},
}

UNKNOWN: Final[Text] = {"en": "unnamed weather", "es": "tiempo sin nombre"}
"""For a code that the source added later."""
