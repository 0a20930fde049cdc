"""Markdown files as passages, found by the words they share with a question, and what people call their subjects."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import PurePath
from typing import Final

from harness import LANGUAGES, Language, LanguageDetector, Locale, Words


@dataclass(frozen=True, slots=True)
class Passage:
    """What stands below one heading of a file."""

    file: str
    heading: str
    text: str
    language: Language


class Passages:
    """The passages of all files, with a small lexical search: no model, nothing to install.

    A word counts more the fewer passages hold it (the idf of BM25, Robertson and Zaragoza 2009).
    Words are compared without accents and endings. For thousands of pages take a search engine.
    """

    HEADING: Final = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
    STEM_CHARS: Final = 5
    """Letters that must agree: `devolver` meets `devolución`; a guess that the examples pass."""
    COMMON: Final = frozenset(
        "send long hora horas fast quickly soon pronto money dinero deadline period policy plazo".split()
    ).union(*(Locale.load(it).function_words for it in LANGUAGES))
    """Words that say nothing about the subject."""
    HEADING_WEIGHT: Final = 2
    """A word of the heading counts as so many of the text; a guess."""
    ASIDE: Final = 0.6
    """What a word that stands in no heading of a passage counts for in `min_score`: `price of a motorbike` is
    not answered by whatever mentions a price; a guess that the examples pass."""

    BESIDE_BEST: Final = 0.5
    """Part of the best passage's score that others must have beside it; a guess."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """Cut `files` (name -> Markdown) into passages."""
        self._all = [passage for name, text in files.items() for passage in self._cut(name, text)]
        self._counts = [self._count(passage) for passage in self._all]
        self._seen_in = Counter(stem for counts in self._counts for stem in counts)

    def search(self, question: str, at_most: int, min_score: float, language: Language = "") -> Sequence[Passage]:
        """The passages for `question`, those in `language` before the others and the best first.

        Empty when none holds enough of it.
        """
        wanted = set(self._stems([question]))
        needed = min_score * sum(map(self._weight, wanted))
        scored = []
        for at, counts in enumerate(self._counts):
            shared = wanted & counts.keys()
            aside = shared - set(self._stems([self._all[at].heading]))
            held = sum(self._weight(stem) * (self.ASIDE if stem in aside else 1) for stem in shared)
            if shared and held >= needed:
                is_theirs = self._all[at].language == language
                scored.append((is_theirs, sum(self._score(stem, counts) for stem in shared), -at))
        scored.sort(reverse=True)
        return [self._all[-at] for _, score, at in scored[:at_most] if score >= self.BESIDE_BEST * scored[0][1]]

    def unknown(self, question: str) -> Sequence[str]:
        """The telling words of `question` that no passage holds, as written."""
        words = re.findall(r"[^\W\d_]{3,}", question)
        return [it for it in words if not self._seen_in.keys() & set(self._stems([it])) and set(self._stems([it]))]

    @classmethod
    def telling(cls, question: str) -> bool:
        """True where `question` has a word that says what it is about."""
        return any(cls._stems([question]))

    def _score(self, stem: str, counts: Mapping[str, int]) -> float:
        # n / (n + 1): the second mention of a word says less than the first
        return self._weight(stem) * counts[stem] / (counts[stem] + 1)

    def _weight(self, stem: str) -> float:
        return log(1 + (len(self._all) + 1) / (self._seen_in[stem] + 1))

    @classmethod
    def _cut(cls, name: str, text: str) -> Iterator[Passage]:
        """One passage a heading, the file's name for what stands above the first one."""
        language = LanguageDetector(Locale.configured).detect(text)
        parts = [PurePath(name).stem, *cls.HEADING.split(text)]
        for heading, body in zip(parts[::2], parts[1::2], strict=True):
            if body.strip():
                yield Passage(name, heading, " ".join(body.split()), language)

    @classmethod
    def _count(cls, passage: Passage) -> Counter[str]:
        return Counter(cls._stems([passage.heading] * cls.HEADING_WEIGHT + [passage.text]))

    @classmethod
    def _stems(cls, texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            yield from (w[: cls.STEM_CHARS] for w in Words.tokenize(text) if w not in cls.COMMON)


PRICE: Final = "#price"
US: Final = "#us"
"""What a document need not say: that a figure is asked for, and of whom."""

SUBJECTS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "opening hours": "opening hours, business hours, working hours, opening times, hours, what time, open, opening, close, closed, closing, shut, visit the shop",
        "return": "return, refund, reimburse, reimbursement, back, exchange it, exchange an item, exchange a product",
        "delivery": "delivery, deliver, delivered, ship, shipping, shipped, shipment, postage, parcel, package, dispatch, send me"
        ", sending, order arrive, order get here, receive my order, get my order",
        "contact": "contact details, contact, phone number, phone, telephone, call you, email address, email, e-mail, postal address, reach you, get in touch, write to you, customer service"
        ", complain, complaint",
        US: "shop, store",
        PRICE: "price, prices, cost, costs, charge, fee, how much is, how much are, how much for, how much does, how expensive",
        "order": "order, orders",
        "service": "service",
    },
    "es": {
        "horario": "horario de apertura, horarios de apertura, horario de atención, horario, horarios, apertura, abren, abre, abrís, abrir, abierto, abierta, cierran, cierra, cerráis, cerrar, cerrado, cerrada"
        ", atienden",
        "devolver": "devolver, devolución, devoluciones, devuelvo, devuelven, devolverlo, devolverla, reembolso, reembolsan, reembolsar"
        ", devolverán, cambiarlo, cambiarla, cambiar un producto, cambiar un artículo",
        "envío": "envío, envíos, enviar, envían, enviarlo, enviármelo, mandar, mandan, mandarlo, entrega, entregas, entregar, entregan"
        ", reparto, portes, paquete, llega mi pedido, llegará mi pedido, tarda mi pedido, recibo mi pedido, recibiré mi pedido, llegar un pedido",
        "contacto": "datos de contacto, contacto, número de teléfono, contactar, contactarlos, contactaros, teléfono, correo, llamar, llamarlos, llamaros, escribirles, escribiros"
        ", queja, reclamar, reclamación, atención al cliente",
        US: "tienda",
        PRICE: "precio, precios, cuesta, cuestan, costaría, vale, valen, cobran, cobráis, cuánto sale, gastos de, cuánto es, cuánto son",
        "pedido": "pedido, pedidos",
        "servicio": "servicio",
    },
}
"""A subject, as the documents call it -> what else it is called: the agent's keywords."""


class Subjects:
    """Says a question in the documents' words."""

    ACCENTS: Final = str.maketrans({one: f"[{one}{other}]" for one, other in zip("áéíóú", "aeiou", strict=True)})

    def __init__(self) -> None:
        self._names = [
            (subject, re.compile(rf"\b(?:{'|'.join(self._longest_first(names))})\b", re.IGNORECASE))
            for by_subject in SUBJECTS.values()
            for subject, names in by_subject.items()
        ]

    @classmethod
    def _longest_first(cls, names: str) -> Sequence[str]:
        return sorted(names.translate(cls.ACCENTS).split(", "), key=len, reverse=True)

    def in_our_words(self, question: str) -> str:
        """`question` with each subject as the documents call it, and without what these need not say."""
        for subject, names in self._names:
            question = names.sub(subject if subject[0] != PRICE[0] else "", question)
        return question

    def asks_for_price(self, question: str) -> bool:
        """True where `question` has a word for a price, in any language."""
        return any(names.search(question) for subject, names in self._names if subject == PRICE)
