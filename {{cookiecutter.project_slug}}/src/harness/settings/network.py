"""What libraries read of the environment to reach a network: a proxy or a file that they cannot use is told by name."""

import os
import ssl
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies

from ..errors import ConfigurationError

SCHEMES: Final = ("http", "https", "socks5", "socks5h")
"""Of proxies, as httpx knows them."""

SOCKS: Final = "socksio"
"""The package by which httpx speaks SOCKS."""

NO_ADDRESS: Final = "this is no address of a proxy; write http://host:port, or unset it"


class OutgoingNetwork:
    """Proxies and certificates, as httpx finds them. No value is shown: a proxy's may hold a password."""

    @classmethod
    def check(cls) -> None:
        """Hold the environment to what a client will need.

        Raises:
            ConfigurationError: A client could not be made, or would trust nobody.
        """
        if problems := list(cls.problems()):
            raise ConfigurationError(problems)

    @classmethod
    def problems(cls) -> Iterator[str]:
        """One line for each variable that no client can use."""
        yield from cls.of_certificates()
        proxies = getproxies()
        if "*" in map(str.strip, proxies.get("no", "").split(",")):
            return
        for kind in ("http", "https", "all"):
            if problem := cls._of_proxy(proxies.get(kind, "")):
                yield f"{kind.upper()}_PROXY: {problem}"

    @classmethod
    def of_certificates(cls) -> Iterator[str]:
        """The same of the certificates that are trusted."""
        if file := os.environ.get("SSL_CERT_FILE"):
            try:
                ssl.create_default_context(cafile=file)
            except FileNotFoundError:
                yield "SSL_CERT_FILE: there is no such file; name one with the certificates to trust, or unset it"
            except OSError as failure:  # ssl.SSLError is one
                yield f"SSL_CERT_FILE: no certificate can be read from it ({type(failure).__name__}); or unset it"
        elif (folder := os.environ.get("SSL_CERT_DIR")) and not any(map(os.path.isdir, folder.split(os.pathsep))):
            yield "SSL_CERT_DIR: there is no such folder; name one with the certificates to trust, or unset it"

    @classmethod
    def _of_proxy(cls, address: str) -> str:
        """What is wrong with a proxy; nothing where it is empty."""
        if not address:
            return ""
        try:
            parts = urlsplit(address if "://" in address else f"http://{address}")
            host, _ = parts.hostname, parts.port  # the port is read only here
        except ValueError:
            return NO_ADDRESS
        if not host:
            return NO_ADDRESS
        if parts.scheme not in SCHEMES:
            return f"no proxy of the kind {parts.scheme}:// can be used; name one of http://, or unset it"
        if parts.scheme.startswith("socks") and find_spec(SOCKS) is None:
            return "a SOCKS proxy needs the package socksio: uv add 'httpx2[socks]'; or name a proxy of http://, or unset it"
        return ""


class Region:
    """Where Amazon's services are asked."""

    @staticmethod
    def of_aws() -> str | None:
        """AWS_REGION, which Amazon's hosts set, and boto3 alone of Amazon's clients does not read; None: it looks itself."""
        return os.environ.get("AWS_REGION") or None
