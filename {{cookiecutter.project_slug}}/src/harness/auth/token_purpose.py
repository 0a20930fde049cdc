"""What a provider issued a token for: only access lets anybody in (RFC 8725, section 3.11)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final


class TokenPurpose:
    """Tells access tokens from the others that the same keys sign: ID tokens, log-outs, refresh tokens."""

    ACCESS: Final = "at+jwt"
    """`typ` of an access token's header (RFC 9068, section 2.1)."""

    TYPES: Final = frozenset({"", "jwt", ACCESS})
    """What access tokens have there, in small letters; one of another purpose says another, as `logout+jwt`."""

    MARKS: Final = MappingProxyType({"typ": ("bearer", "dpop"), "token_use": ("access",)})
    """Claims by which a provider marks its access tokens (Keycloak; Cognito), and how."""

    OF_ID_TOKENS: Final = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
    """Claims of an ID token (OpenID Connect Core 1.0, sections 2 and 3.3.2.11; FAPI 1.0). Keycloak before 25
    gives its access tokens a `nonce` too, and marks them."""

    OF_EVENTS: Final = "events"
    """Claim of a token that tells of something, such as a log-out (RFC 8417)."""

    def __init__(self, *, must_be_typed: bool) -> None:
        """With `must_be_typed`, only what RFC 9068 calls an access token is one."""
        self._must_be_typed = must_be_typed

    def is_access(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
        """True unless the verified token shows another purpose."""
        kind = str(header.get("typ") or "").lower().removeprefix("application/")
        if self._must_be_typed and kind != self.ACCESS:
            return False
        marks = [str(claims[name]).lower() in values for name, values in self.MARKS.items() if name in claims]
        if kind not in self.TYPES or not all(marks) or self.OF_EVENTS in claims:
            return False
        return kind == self.ACCESS or bool(marks) or self.OF_ID_TOKENS.isdisjoint(claims)
