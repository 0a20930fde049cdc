"""Phone numbers: with a country's code, in groups that a country writes, in links, and behind a word for one."""

import re
from collections.abc import Iterator
from typing import Final


class Phones:
    """Finds them in time linear in the text.

    Bare digits are order numbers as often: they count behind a word such as `tel`, and as a mobile of
    Colombia or Spain where no word for something else stands before them.
    """

    GAP: Final = r"[ \u00a0\u202f.()/\u2010-\u2013-]"
    """What people put between groups of digits."""

    NUMBER: Final = re.compile(
        r"""
          (?: (?<![\w+])\+ | %2B | (?<![\w.,-])00[\ .-]?(?=[1-9]) )       # a country's code
          [1-9](?:GAP{0,3}\d){7,14}+
        | (?<![^\W_])(?=[(\d])(?<!\d[ .,/-]) (?:
              (?:1[ .-]?)?\(0?\d{1,4}\)[ .-]?\d{3,5}[ .-]?\d{3,4}     # (212) 555-0123, (11) 91234-5678
            | 1([ .-])[2-9]\d\d\1\d{3}\1\d{4}                         # 1-212-555-0123
            | [2-9]\d\d([ .-])\d{3}\2\d{4}                            # 212-555-0123, 300 123 4567
            | \d\d[ -]9?\d{4}[ -]\d{4}                                # 55 1234 5678, 11 91234-5678
            | 9[ -]\d{4}[ -]?\d{4}                                    # 9 8765 4321
            | [6-9]\d\d([ .])\d{3}\3\d{3}                             # 612 345 678
            | [6-9]\d\d([ .-])\d\d\4\d\d\4\d\d                        # 612 34 56 78
            | 9\d([ -])\d{3}\5\d\d\5\d\d                              # 91 123 45 67
            | 0\d(?:[ .-]\d\d){4}                                     # 06 12 34 56 78
            | 0\d[ -]\d\d[ -]\d{4}[ -]\d{4}                           # 01 55 1234 5678
            | 0\d{2,4}[ -]\d{3,4}(?:[ -]?\d{3,4})                     # 020 7946 0958
            | (?P<doubtful>[6-9]\d\d-\d{3}-\d{3}                      # 612-345-678
                | 3(?:[01]\d|2[0-4]|5[01])\d{7} | (?:6\d|7[1-9])\d{7}) # 3001234567, 612345678
          )
        """.replace("GAP", GAP.replace(" ", r"\ ")),
        re.VERBOSE,
    )

    ROW: Final = re.compile(r"(?<![^\W_])\+?\d(?:GAP{0,2}\d){6,14}+".replace("GAP", GAP))
    """What is one behind a word for one."""

    NAMED: Final = re.compile(
        r"""
        (?: (?<![^\W_])(?:tel|tfno|tlf|telf|tel[eé]fono|telefone|telephone|t[eé]l[eé]phone|telefon|t[eé]l|phone|fone
              |m[oó]vil|mobile|cel|celular|cell|whatsapp|fax|ll[aá]m[ae](?:me|nos|lo|r)?|call(?:\ (?:me|us))?)
            ["']{0,2}[\ .:=#/]{1,3}["'(]{0,2}(?:(?:is|es|n[uú]mero|number|at|al|on|o|a)[ .:]{1,2}){0,3}
          | wa\.me/ | phone= )$
        """,
        re.VERBOSE | re.IGNORECASE,
    )

    AFTER: Final = re.compile(
        r"[^\W_]|[.,/-]\d|\ \d{3}|\ ?(?:[€$£¥%]|EUR|USD|COP|MXN|euros?|d[oó]lar|dollars?|pesos?|mill(?:ones|ions?))"
    )
    """What shows that the digits before it are an amount or go on."""

    BEFORE: Final = re.compile(
        r"(?:pedido|orden|order|factura|invoice|ref(?:erencia|erence)?|ticket|tracking|seguimiento|c[oó]digo|code|id"
        r"|folio|expediente|lote|art[ií]culo|sku|isbn|ean|row|fila|timestamp|radicado|gu[ií]a|total|result(?:ado)?|score|marcador|puntuaci[oó]n|[$€£#_])"
        r"[\s\w.:=\"'#º°-]{0,16}$",
        re.IGNORECASE,
    )
    BEFORE_CHARS: Final = 40
    """What shows, so far before it, that bare or hyphened digits are something else."""

    ROUND: Final = "0000"
    """The end of an amount."""

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Where one stands; two may overlap."""
        for match in self.NUMBER.finditer(text):
            start, end = match.span()
            is_foreign = text[start] in "+%" or text.startswith("00", start)
            if is_foreign or self._is_national(text, match):
                yield start, end
        for match in self.ROW.finditer(text):
            if self.NAMED.search(text[max(0, match.start() - self.BEFORE_CHARS) : match.start()]):
                yield match.span()

    @classmethod
    def _is_national(cls, text: str, match: re.Match[str]) -> bool:
        """False where the digits are an amount or go on, or are as often something else and a word says so."""
        start, end = match.span()
        if cls.AFTER.match(text, end):
            return False
        if not match["doubtful"]:
            return True
        before = text[max(0, start - cls.BEFORE_CHARS) : start]
        return not text.endswith(cls.ROUND, start, end) and cls.BEFORE.search(before) is None
