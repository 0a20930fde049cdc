"""For whom a token was issued: this service, or a client that is known to ask for it."""

from collections.abc import Mapping
from typing import Any, Final

from jwt.types import Options

from ..errors import Unauthenticated
from ..settings import Settings


class Audience:
    """What OIDC_AUDIENCE_CLAIM of a token must say."""

    REQUIRED: Final = ("iss", "sub", "exp")
    """Claims without which a token is none of ours, beside the audience's: RFC 9068 wants them all."""

    def __init__(self, settings: Settings) -> None:
        self._claim = settings.oidc_audience_claim
        self.names = settings.audiences
        """This service's; of another claim than `aud`, the clients'. A token says one of them at least."""

    def accept(self, name: str) -> None:
        """Let `name` be one more, where names are services' and not clients'."""
        if self._claim == "aud":
            self.names.append(name)

    def options(self) -> Options:
        """What PyJWT is to check; of audiences it knows `aud`, which may be a list."""
        required = [*self.REQUIRED, self._claim]
        return {"require": required, "enforce_minimum_key_length": True, "verify_aud": self._claim == "aud"}

    def check(self, claims: Mapping[str, Any]) -> None:
        """Let the claims of a token pass whose client is one of ours.

        Raises:
            Unauthenticated: It is another's.
        """
        if self._claim != "aud" and claims[self._claim] not in self.names:
            raise Unauthenticated("another_audience")
