"""Web addresses that an operator allows objects to be fetched from.

What is compared is what is requested: an address that a server could read in another way than it stands there is
refused, so nothing has to be normalised beyond scheme, host and port.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

_LONGEST = 2000
_TEXT = re.compile(r"[A-Za-z0-9\-._~:/?@\[\]!$&'()*+,;=%]+\Z")
"""Of RFC 3986, without the fragment; a backslash or a line break would be read differently by everybody."""
_HOST = re.compile(r"[a-z0-9]([-a-z0-9_.]*[a-z0-9])?\Z")
_NOT_ESCAPED = re.compile(r"%(?![0-9A-Fa-f]{2})")
_AMBIGUOUS = re.compile(r"%([01][0-9A-F]|7F|25|2E|2F|3B|5C)", re.IGNORECASE)
"""Escaped control characters, and `% . / ; \\`, with which a path can come to mean another one."""
_PORTS = {"https": 443, "http": 80}
_LOOPBACK_NAME = "localhost"


class AddressInvalid(ValueError):
    """The text is no address that can be compared; the message goes on after the address."""


@dataclass(frozen=True)
class Address:
    """An address by its parts."""

    scheme: str
    host: str
    port: int
    path: str
    query: str = ""

    @classmethod
    def read(cls, text: str) -> Self:
        """Take an address apart; raises AddressInvalid."""
        if len(text) > _LONGEST:
            raise AddressInvalid(f"is longer than {_LONGEST} characters")
        if not _TEXT.match(text):
            raise AddressInvalid("has characters that are not allowed in an address, or a fragment")
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise AddressInvalid("is no address") from error
        if parts.scheme not in _PORTS:
            raise AddressInvalid("does not begin with https://")
        path = parts.path or "/"
        _check_path(path)
        return cls(parts.scheme, _host(parts), _PORTS[parts.scheme] if port is None else port, path, parts.query)

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine itself."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == _LOOPBACK_NAME

    def is_under(self, prefix: Self) -> bool:
        """Whether it begins with a prefix, whose path ends with a slash."""
        where = (prefix.scheme, prefix.host, prefix.port)
        return (self.scheme, self.host, self.port) == where and self.path.startswith(prefix.path)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{host}:{self.port}{self.path}{query}"


@dataclass(frozen=True)
class AllowedAddresses:
    """The addresses that begin with one of some prefixes; by default none."""

    prefixes: tuple[Address, ...] = ()

    @classmethod
    def of(cls, prefixes: str) -> Self:
        """Read prefixes with commas; raises ValueError naming the one that is none."""
        return cls(tuple(_prefix(text.strip()) for text in prefixes.split(",") if text.strip()))

    def allow(self, address: Address) -> bool:
        """Whether one of them stands before it."""
        return any(address.is_under(prefix) for prefix in self.prefixes)


def _prefix(text: str) -> Address:
    try:
        prefix = Address.read(text)
    except AddressInvalid as error:
        msg = f"{text!r} {error}"
        raise ValueError(msg) from error
    if prefix.scheme == "http" and not prefix.is_loopback:
        msg = f"{text!r} is not https, which every address but this machine's own has to be"
        raise ValueError(msg)
    if prefix.query or not text.endswith("/"):
        msg = f"{text!r} does not end with a slash"
        raise ValueError(msg)
    return prefix


def _host(parts: SplitResult) -> str:
    if "@" in parts.netloc:
        raise AddressInvalid("has a name or a password in it")
    host = parts.hostname or ""
    if ":" in host and "%" not in host:
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError as error:
            raise AddressInvalid("has no valid host") from error
    if not _HOST.match(host):
        raise AddressInvalid("has no valid host")
    return host


def _check_path(path: str) -> None:
    if _NOT_ESCAPED.search(path) or _AMBIGUOUS.search(path):
        raise AddressInvalid("has escaped characters in its path that can be read in several ways")
    # Some servers take what follows a semicolon off a segment before they look at it.
    if any(segment.partition(";")[0] in (".", "..") for segment in path.split("/")):
        raise AddressInvalid("has `.` or `..` in its path")
