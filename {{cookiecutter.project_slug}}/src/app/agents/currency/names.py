"""How people name currencies in English and Spanish."""

from collections.abc import Mapping
from typing import Final

NAMES: Final[Mapping[str, str]] = {
    "AUD": r"australian dollars?|d[oó]lar(es)? australianos?",
    "BRL": r"brazilian reals?|reais|real(es)? brasile[nñ]os?|reales",
    "CAD": r"canadian dollars?|d[oó]lar(es)? canadienses?",
    "CHF": r"(swiss )?francs?|francos?( suizos?)?",
    "CNY": r"yuan(es)?|renminbi",
    "CZK": r"czech (koruna|crown)s?|coronas? checas?",
    "DKK": r"danish (kroner?|crowns?)|coronas? danesas?",
    "EUR": r"euros?",
    "GBP": r"(british )?pounds?( sterling)?|sterling|libras?( esterlinas?)?",
    "HKD": r"hong kong dollars?|d[oó]lar(es)? de hong kong",
    "HUF": r"forints?|flor[ií]n(es)? h[uú]ngaros?",
    "IDR": r"(indonesian )?rupiahs?|rupias? indonesias?",
    "ILS": r"shekels?|s[eé]quel(es)?",
    "INR": r"(indian )?rupees?|rupias?( indias?)?",
    "ISK": r"icelandic kr[oó]n(a|ur)|coronas? islandesas?",
    "JPY": r"(japanese )?yens?|yenes",
    "KRW": r"(korean )?wons?",
    "MXN": r"mexican pesos?|pesos? mexicanos?",
    "MYR": r"ringgits?",
    "NOK": r"norwegian (kroner?|crowns?)|coronas? noruegas?",
    "NZD": r"new zealand dollars?|d[oó]lar(es)? neozeland[eé]s(es)?",
    "PHP": r"philippine pesos?|pesos? filipinos?",
    "PLN": r"zlot(y|ys|ies)|z[lł]oty|eslotis?",
    "RON": r"romanian le[ui]|le[ui] rumanos?",
    "SEK": r"swedish (kron[ao]r?|crowns?)|coronas? suecas?",
    "SGD": r"singapore dollars?|d[oó]lar(es)? de singapur",
    "THB": r"bahts?",
    "TRY": r"(turkish )?liras?|liras? turcas?",
    "ZAR": r"(south african )?rands?",
    # Known by name, so that the answer can say that the source does not have them.
    "ARS": r"argentin(e|ian) pesos?|pesos? argentinos?",
    "BOB": r"bolivianos?",
    "BTC": r"bitcoins?",
    "CLP": r"chilean pesos?|pesos? chilenos?",
    "COP": r"colombian pesos?|pesos? colombianos?",
    "DOP": r"dominican pesos?|pesos? dominicanos?",
    "PEN": r"peruvian sol(es)?|soles|sol peruano",
    "RUB": r"(russian )?rubles?|rublos?",
    "UYU": r"uruguayan pesos?|pesos? uruguayos?",
    "VES": r"bol[ií]vares|bolivars?",
    # After the other dollars: its names begin like theirs.
    "USD": r"(us |american )?dollars?|bucks|d[oó]lar(es)?( estadounidenses?| americanos?)?",
}
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
}
"""Longer ones first."""

PESOS: Final[Mapping[str, str]] = {
    "mexican": "MXN",
    "colombian": "COP",
    "argentin": "ARS",
    "chile": "CLP",
    "dominican": "DOP",
    "filipin": "PHP",
    "philippine": "PHP",
    "uruguay": "UYU",
}
"""How a country's name begins -> its peso, for `pesos ... the Mexican ones`."""

WORDS_TOO: Final = frozenset({"TRY"})
"""Codes that are English words: read in capitals only."""
