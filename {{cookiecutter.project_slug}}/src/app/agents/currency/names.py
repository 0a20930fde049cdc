"""How people name currencies in English and Spanish."""

from collections.abc import Mapping
from typing import Final

from harness import LANGUAGES, Locale

UNITS: Final[Mapping[str, str]] = {
    "USD": r"dollars?|bucks|d[oó]lar(?:es)?",
    "GBP": r"pounds?(?: sterling)?|sterling|libras?(?: esterlinas?)?",
    "CHF": r"francs?|francos?",
    "INR": r"rupees?|rupias?",
    "JPY": r"yens?|yenes",
    "TRY": r"liras?",
    "KRW": r"wons?",
    "BRL": r"reais|reales|brazilian reals?|real(?:es)? brasile[nñ]os?",
    "PEN": r"soles|sol peruano|peruvian sol(?:es)?",
    "": r"pesos?|crowns?|coronas?|kron(?:a|e|er|or|ur)|kr[oó]na|koruna|dinars?|dinares|d[ií]nar|[rR]i[y]?als?|rial(?:es)?|shillings?|chel[ií]n(?:es)?"
    r"|dirhams?|d[ií]rhams?|rupiahs?|le[ui]|manats?",
}
"""The currency that a unit is where no country is named -> the unit's names; "": nobody could say which."""

COUNTRIES: Final[Mapping[str, str]] = {
    "argentin": "ARS", "austral": "AUD", "azerba": "AZN", "azeri": "AZN", "bahra": "BHD", "barbad": "BBD", "british": "GBP",
    "canad": "CAD", "cfa": "XOF", "checa": "CZK", "checo": "CZK", "chile": "CLP", "colomb": "COP", "cuba": "CUP",
    "czech": "CZK", "danes": "DKK", "danish": "DKK", "dominic": "DOP", "egip": "EGP", "egyp": "EGP", "emira": "AED",
    "estadounid": "USD", "american": "USD", "us": "USD", "filip": "PHP", "philip": "PHP", "fiji": "FJD", "hong": "HKD", "kong": "HKD",
    "iceland": "ISK", "island": "ISK", "india": "INR", "indones": "IDR", "iran": "IRR", "iraq": "IQD", "irak": "IQD",
    "jamai": "JMD", "japan": "JPY", "japon": "JPY", "jorda": "JOD", "kenia": "KES", "kenya": "KES", "kuwai": "KWD",
    "leban": "LBP", "liban": "LBP", "maroc": "MAD", "marroq": "MAD", "mauric": "MUR", "mauri": "MUR", "mexic": "MXN",
    "moroc": "MAD", "nepal": "NPR", "neozel": "NZD", "zealand": "NZD", "zeland": "NZD", "norue": "NOK", "norweg": "NOK",
    "omani": "OMR", "pakist": "PKR", "qatar": "QAR", "catar": "QAR", "roman": "RON", "ruman": "RON", "saud": "SAR",
    "serb": "RSD", "singap": "SGD", "somal": "SOS", "korea": "KRW", "corea": "KRW", "lanka": "LKR", "esrilan": "LKR",
    "suda": "SDG", "suec": "SEK", "swed": "SEK", "suiz": "CHF", "swiss": "CHF", "siri": "SYP", "syria": "SYP",
    "taiw": "TWD", "tanza": "TZS", "trinid": "TTD", "tunis": "TND", "tunec": "TND", "turk": "TRY", "turc": "TRY",
    "ugand": "UGX", "urugu": "UYU", "yemen": "YER", "alger": "DZD", "argel": "DZD", "liby": "LYD", "brasil": "BRL", "brazil": "BRL",
    "peru": "PEN", "african": "ZAR", "alban": "ALL", "bangla": "BDT", "boliv": "BOB", "bulgar": "BGN", "chin": "CNY", "etiop": "ETB",
    "ethiop": "ETB", "georgi": "GEL", "ghan": "GHS", "guatem": "GTQ", "haiti": "HTG", "hondur": "HNL", "hungar": "HUF",
    "israel": "ILS", "kazaj": "KZT", "kazak": "KZT", "malas": "MYR", "malay": "MYR", "nicarag": "NIO", "nigeri": "NGN",
    "paragu": "PYG", "polac": "PLN", "polish": "PLN", "rus": "RUB", "tailand": "THB", "thai": "THB", "ucran": "UAH",
    "ukrain": "UAH", "venez": "VES", "vietnam": "VND", "zambi": "ZMW",
}  # fmt: skip
"""How a country's name, folded, begins -> its currency: `Mexican pesos`, `pesos ... the Mexican ones`."""

NAMES: Final[Mapping[str, str]] = {
    "CNY": r"yuan(?:es)?|renminbi",
    "EUR": r"euros?",
    "HUF": r"forints?|flor[ií]n(?:es)?(?: h[uú]ngaros?)?",
    "ILS": r"(?:new )?shekels?|s[eé]quel(?:es)?",
    "MYR": r"ringgits?",
    "PLN": r"zlot(?:y|ys|ies)|z[lł]oty|eslotis?",
    "THB": r"bahts?",
    "ZAR": r"rands?",
    # Known by name, so that the answer can say that the source does not have them.
    "ALL": r"leks?", "AOA": r"kwanzas?", "BDT": r"takas?", "BGN": r"levs?|leva", "BOB": r"bolivianos?", "BTC": r"bitcoins?",
    "CRC": r"colones|colons?", "DOGE": r"dogecoins?", "ETB": r"birrs?", "ETH": r"ethers?|ethereum", "GEL": r"laris?",
    "GHS": r"cedis?", "GTQ": r"quetzal(?:es|s)?", "HNL": r"lempiras?", "HTG": r"gourdes?", "KZT": r"tenges?",
    "MMK": r"kyats?", "MNT": r"tugriks?|tögrög", "MZN": r"metical(?:es)?|meticais", "NGN": r"nairas?", "NIO": r"c[oó]rdobas?",
    "PAB": r"balboas?", "PYG": r"guaran(?:i|í|is|íes|ies)", "RUB": r"rubles?|roubles?|rublos?", "UAH": r"hryvnias?|grivnas?",
    "VES": r"bol[ií]vares|bolivars?", "VND": r"dongs?", "ZMW": r"kwachas?",
}  # fmt: skip
"""ISO 4217 code -> its names as a pattern, in any case."""

SYMBOLS: Final[Mapping[str, str]] = {
    "US$": "USD",
    "HK$": "HKD",
    "R$": "BRL",
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "₩": "KRW",
    "₺": "TRY",
    "₪": "ILS",
    "₦": "NGN",
    "₽": "RUB",
    "₿": "BTC",
}
"""Longer ones first."""

CODES: Final = frozenset({*UNITS, *COUNTRIES.values(), *NAMES, *SYMBOLS.values()}) - {""}

NUMBER_WORDS: Final = Locale.pattern(
    "half quarter hundreds thousands dozen dozens couple few several medio media miles docena docenas minus menos".split(),
    *((word for word, n in Locale.load(it).numbers.items() if 1 < n < 1000) for it in LANGUAGES),
)
"""Numbers in words, as a pattern: they are asked back about."""

WORDS_TOO: Final = frozenset({"ALL", "TRY", "TOP", "CUP", "MAD", "SOS"})
"""Codes that are English words: read in capitals only."""
