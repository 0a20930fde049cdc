"""What agents reach outside, and how."""

from typing import ClassVar

from pydantic import AnyHttpUrl, Field

from ..configuration import Configuration

HOSTS_PATTERN = r"^[^\s,/@]+(\s*,\s*[^\s,/@]+)*$"


class DataSettings(Configuration):
    """What agents reach outside, and how."""

    title: ClassVar = "Data sources"

    use_fake_data: bool = True
    """Answer from sample data and make no outbound data call. Refused in production."""

    data_timeout_seconds: float = Field(default=5, gt=0, le=120)
    """Longest wait for one answer of a data source, seconds, retries included."""

    data_max_retries: int = Field(default=2, ge=0, le=5)
    """Retries of one data call on connection errors, 429 and 5xx."""

    data_max_bytes: int = Field(default=2_000_000, ge=1024)
    """Largest answer of a data source after decompression, bytes."""

    data_max_rows: int = Field(default=200, ge=1, le=100_000)
    """Most rows that one query of a reference table may give, rows."""

    data_private_hosts: str | None = Field(default=None, pattern=HOSTS_PATTERN)
    """Data hosts that may have a private address, such as an internal API, separated by commas.
    Every other host must have public addresses alone; empty: all of them."""

    data_proxy_url: AnyHttpUrl | None = None
    """Proxy that data requests leave through, where there is no other way out. It resolves the
    names, so it must refuse private addresses itself. HTTPS_PROXY and its like are not read."""

    @property
    def private_hosts(self) -> frozenset[str]:
        """DATA_PRIVATE_HOSTS, each."""
        hosts = (self.data_private_hosts or "").lower().split(",")
        return frozenset(filter(None, map(str.strip, hosts)))
