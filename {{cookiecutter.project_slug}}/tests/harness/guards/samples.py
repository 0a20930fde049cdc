"""Secrets and personal data made for tests: valid in shape and check digits, and nobody's."""

import base64
import random
import string
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address

from harness.guards.check_digits import CheckDigits

LETTERS = string.ascii_letters + string.digits


class Samples:
    """Values of every kind, the same on every run."""

    EACH = 20

    def __init__(self, seed: int = 7) -> None:
        self._random = random.Random(seed)

    def of(self, make: Callable[["Samples"], str]) -> Iterator[str]:
        """Twenty values of one kind."""
        yield from (make(self) for _ in range(self.EACH))

    def row(self, length: int, alphabet: str = LETTERS) -> str:
        # A digit and both cases, as any random key of this length has.
        ends = "a7Q" if alphabet == LETTERS else ""
        return "".join(self._random.choices(alphabet, k=length - len(ends))) + ends

    def pick(self, *choices: str) -> str:
        return self._random.choice(choices)

    def number(self, most: int) -> int:
        return self._random.randrange(most)

    def key(self, prefix: str, length: int) -> str:
        return prefix + self.row(length)

    def jwt(self) -> str:
        head = base64.urlsafe_b64encode(b'{"alg":"RS256","typ":"JWT"}').decode().rstrip("=")
        return f"{head}.eyJ{self.row(60)}.{self.row(86)}"

    def pem(self) -> str:
        kind = self.pick("", "RSA ", "EC ", "OPENSSH ")
        name = f"{kind}PRIVATE" + " KEY-----"
        lines = "\n".join(self.row(64, LETTERS + "+/") for _ in range(3))
        return f"-----BEGIN {name}\n{lines}\n-----END {name}"

    def card(self) -> str:
        prefix, length = self._random.choice(
            [("4", 13), ("4", 16), ("51", 16), ("2221", 16), ("34", 15), ("37", 15), ("36", 14),
             ("6011", 16), ("3530", 17), ("62", 18), ("62", 19), ("5018", 13), ("4", 19)]
        )  # fmt: skip
        body = prefix + self.row(length - len(prefix) - 1, string.digits)
        plain = next(body + last for last in string.digits if CheckDigits.is_card(body + last))
        gap = self.pick("", " ", "-", " ")
        groups = [plain[at : at + 4] for at in range(0, len(plain), 4)]
        if length == 15:
            groups = [plain[:4], plain[4:10], plain[10:]]
        return gap.join(groups) if len(groups[-1]) > 1 else plain

    def iban(self) -> str:
        country = self._random.choice(["ES", "DE", "FR", "GB", "NL", "PT", "IT", "NO", "MT", "BR"])
        length = CheckDigits.IBAN_LENGTHS[country] - 4
        alphabet = string.digits if country in ("ES", "DE", "NO") else string.digits + "ABCWZ"
        body = self.row(length, alphabet)
        turned = "".join(str(int(char, 36)) for char in f"{body}{country}00")
        plain = f"{country}{98 - int(turned) % 97:02}{body}"
        if self.number(2):
            return plain
        return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))

    def national_id(self) -> str:
        number = self.number(10**8)
        if self.number(2):
            letter = CheckDigits.IDENTITY_LETTERS[number % 23]
            return f"{number:08}{self.pick('', '-')}{letter}"
        first = self.number(3)
        number %= 10**7
        letter = CheckDigits.IDENTITY_LETTERS[(first * 10**7 + number) % 23]
        return f"{'XYZ'[first]}{number:07}{letter}"

    def phone(self) -> str:
        digits = self.row(9, string.digits)
        a, b, c = f"6{digits[1:3]}", digits[3:6], digits[6:]
        return self._random.choice(
            [f"+34{a}{b}{c}", f"+34 {a} {b} {c}", f"+1 (212) 55{digits[0]}-01{digits[:2]}",
             f"+44 20 7946 0{b}", f"+49-30-{a}{b}", f"0034 {a} {b} {c}", f"{a} {b} {c}",
             f"{a}-{b}-{c}", f"{a} {b[:2]} {b[2]}{c[0]} {c[1:]}", f"(212) 55{digits[0]}-0{b}",
             f"212-55{digits[0]}-0{b}", f"91 {a} {digits[:2]} {digits[2:4]}", f"+573{digits}"]
        )  # fmt: skip

    def email(self) -> str:
        name = self.pick("ana", "josé.núñez", "李雷", "o'brien", "x+tag", "иван", "a_b-c")
        host = self.pick("correo", "müller", "mail.sub")
        return f"{name}{self.number(1000)}@{host}.{self.pick('es', 'example', 'co.uk', 'рф')}"

    def ip(self) -> str:
        if self.number(2):
            return str(IPv4Address(self._random.getrandbits(32)))
        address = IPv6Address((0x20010DB8 << 96) + self._random.getrandbits(64))
        return self.pick(str(address), address.exploded)


SECRETS: Mapping[str, Callable[[Samples], str]] = {
    "openai classic": lambda it: it.key("sk-", 48),
    "openai project": lambda it: it.key("sk-" + "proj-", 120),
    "anthropic": lambda it: it.key("sk-" + "ant-api03-", 93),
    "bedrock": lambda it: it.key("ABSK", 120),
    "aws id": lambda it: it.pick("AKIA", "ASIA") + it.row(16, string.ascii_uppercase + "234567"),
    "aws secret": lambda it: it.pick(
        "aws_secret_access_key=", "AWS_SECRET_ACCESS_KEY: ", "the secret access key is ",
        '"SecretAccessKey": "', "clave: ",
    ) + it.row(40),
    "github classic": lambda it: it.key(it.pick("ghp_", "gho_", "ghs_", "ghu_", "ghr_"), 36),
    "github fine-grained": lambda it: it.key("github_pat_", 22) + "_" + it.row(59),
    "gitlab": lambda it: it.key(it.pick("glpat-", "glrt-", "glptt-"), 20),
    "slack": lambda it: it.pick("xoxb-", "xoxp-") + "123456789012-" + it.row(24),
    "google": lambda it: it.key("AIza", 35),
    "hugging face": lambda it: it.key("hf_", 34),
    "langsmith": lambda it: it.key("lsv2_" + it.pick("pt_", "sk_"), 32) + "_" + it.row(10),
    "stripe": lambda it: it.key(it.pick("sk_live_", "sk_test_", "rk_live_", "whsec_"), 24),
    "jwt": lambda it: it.jwt(),
    "pem": lambda it: it.pem(),
    "store address": lambda it: it.pick("postgresql://ana:", "redis://:", "rediss://default:",
        "mysql://root:") + it.row(14) + "@db.internal:5432/threads",
    "azure": lambda it: it.pick("AccountKey=", "api-key: ", "SharedAccessKey=") + it.row(43) + "=",
    "azure client": lambda it: it.row(3) + "8Q~" + it.row(34),
    "generic": lambda it: it.pick("api_key=", "api-key: ", "apikey: ", "client_secret=", "token: ",
        "password=", "contraseña: ", "X-API-Key: ", "the api key is ", "el token es ") + it.row(24),
    "header": lambda it: it.pick("Bearer ", "bearer ", "Basic ") + it.row(32),
    "our own": lambda it: "ak_0123abcd_" + it.row(32),
}  # fmt: skip
"""What each is called -> how one is made."""

PERSONAL: Mapping[str, Callable[[Samples], str]] = {
    kind: (lambda it, kind=kind: getattr(it, kind)())  # type: ignore[misc] # bound per kind
    for kind in ("card", "email", "iban", "ip", "national_id", "phone")
}

CONTEXTS = (
    "It is {}.",
    "Es este: {}, guárdalo bien.",
    '{"note": "use {} now", "n": 1}',
    "curl -H 'x: 1' https://shop.example/a?q={}&page=2",
    "X-Note: {}\nAccept: */*",
    "**{}**",
    "first line\n{}\nlast line",
)
"""Where a value may stand."""


class Harmless:
    """Prose, identifiers, hashes, prices and dates: nothing that anybody should mask."""

    PROSE = (
        "We are open Monday to Friday from 9:00 to 18:00 and on Saturday from 10:00 to 14:00.",
        "El envío cuesta 4,90 y es gratis en los pedidos de más de 50 euros.",
        "The password: choose one with at least twelve characters, and keep it secret.",
        "La clave es descansar bien; el token de la conversación se renueva solo.",
        "Bogotá, Colombia, today (Sunday 22 November): mostly clear, 16 to 26 °C.",
        "Tokens: 1,234,567 in and 89,012 out, 12.50 dollars.",
        "The key is to ask early. Your secret: patience.",
        "Call us during opening hours; we answer within one working day.",
        "Released 2026-11-22T10:15:30Z, build 20261122.1015, version 10.0.19045.3803-rc1.",
        "El PIB creció un 2,5 % hasta 1.462.070 millones de euros en 2025.",
        "Bearer bonds are basic instruments; a basic understanding of them helps.",
        "sk-learn-style-pipelines and task-force-driven-processes-everywhere are fine",
        "Population: 47 615 034; area: 505 990 km²; 612 345 678 pesos.",
        "Scores 6-3, 7-5, 6-4; ISBN 978-3-16-148410-0; coordinates 40.4168, -3.7038.",
        "At 12:30:45 the train left; std::vector<int> and a::b are code.",
    )

    def __init__(self, seed: int = 11) -> None:
        self._random = random.Random(seed)

    def _hex(self, length: int) -> str:
        return "".join(self._random.choices("0123456789abcdef", k=length))

    def texts(self, count: int) -> Iterator[str]:
        """`count` of them in turn."""
        pick, number = self._random.choice, self._random.randrange
        crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
        makers: tuple[Callable[[], str], ...] = (
            lambda: pick(self.PROSE),
            lambda: "id " + "-".join(map(self._hex, (8, 4, 4, 4, 12))),
            lambda: f"trace {self._hex(32)} span {self._hex(16)}",
            lambda: f"commit {self._hex(40)} ({self._hex(7)})",
            lambda: f"sha256:{self._hex(64)}",
            lambda: "01" + "".join(self._random.choices(crockford, k=24)),
            lambda: f"order {number(10**9, 10**10)}, invoice F-{number(2000, 2030)}-{number(99999):05}",
            lambda: f"{number(10**6):,}.{number(100):02} USD on {number(1, 28):02}/{number(1, 12):02}/2026",
            lambda: f"v{number(40)}.{number(40)}.{number(40)} of 2026-{number(1, 12):02}-{number(1, 28):02}",
            lambda: f"at {1_700_000_000_000 + number(10**10)} ms, {number(10**6)} of {number(10**7)}",
            lambda: f'etag "{self._hex(32)}" key {number(10**6)}',
        )
        yield from (makers[at % len(makers)]() for at in range(count))
