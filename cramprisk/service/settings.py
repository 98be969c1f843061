"""How the service runs: every choice in one frozen value that is checked once and handed to each worker."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from cramprisk.errors import InputError

__all__ = ["Issuer", "Settings", "is_loopback"]

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-fA-F:]+\](:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Issuer:
    """Somebody whose tokens are taken, with the keys that are theirs and nobody else's.

    Attributes:
        name: The ``iss`` of their tokens, exactly.
        key_urls: Addresses of their key sets; a ``jku`` in a token must be one of them.
        key_files: Files with their key sets.
    """

    name: str
    key_urls: tuple[str, ...] = ()
    key_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices of ``cramprisk serve``.

    Attributes:
        host: Address to listen on.
        port: Port to listen on.
        workers: Processes.
        issuers: Whose tokens are taken; none to ask for no token.
        audience: The service's address as clients write it, for the ``aud`` of tokens.
        cors_origins: Origins whose pages may call the service.
        page: Whether the page and its endpoints are served; they ask for no token.
        allow_unauthenticated: Whether the service may listen beyond this machine without asking for tokens.
        replay_store: File in which the workers keep the tokens seen; empty for one that ends with the service.
        max_body_bytes: Bytes of a request beyond which it is refused.
        read_limit_s: Seconds a client has for its headers, and again for its body.
        time_limit_s: Seconds for an answer.
        remember: Entries of each kind kept with their matches in each worker.
        concurrency: Connections of one worker beyond which further requests are refused.
        token_life_s: Seconds between ``iat`` and ``exp`` beyond which a token is refused.
        source_url: An address about this service, shown as the source of cards.
        tls_cert: File with the certificate, for TLS without a proxy.
        tls_key: File with its key.
        tables: Folder of tables, or empty for those of the package.
        extra: Folder of names of one's own, or empty.
        vocabulary: Vocabulary file, or empty.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    issuers: tuple[Issuer, ...] = ()
    audience: str = ""
    cors_origins: tuple[str, ...] = ()
    page: bool = True
    allow_unauthenticated: bool = False
    replay_store: str = ""
    max_body_bytes: int = 5_000_000
    read_limit_s: float = 10.0
    time_limit_s: float = 10.0
    remember: int = 8_192
    concurrency: int = 512
    token_life_s: int = 3_600
    source_url: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    tables: str = ""
    extra: str = ""
    vocabulary: str = ""

    def check(self) -> None:
        """See that the choices go together.

        Raises:
            InputError: They do not; the message names the option and what to do.

        Examples:
            >>> Settings(host="0.0.0.0").check()
            Traceback (most recent call last):
                ...
            cramprisk.errors.InputError: --host: 0.0.0.0 can be reached from other machines, and no tokens are asked for. \
Give --jwt-issuer with its keys and --audience, or --allow-unauthenticated if something else keeps strangers out.
        """
        if not self.issuers and not self.allow_unauthenticated and not is_loopback(self.host):
            raise InputError(
                f"--host: {self.host} can be reached from other machines, and no tokens are asked for. Give --jwt-issuer "
                "with its keys and --audience, or --allow-unauthenticated if something else keeps strangers out."
            )
        self._check_tokens()
        for origin in self.cors_origins:
            if not _ORIGIN.fullmatch(origin):
                raise InputError(
                    "--cors-origin: must be one origin such as https://ehr.example.org, without a path and without *."
                )
        if bool(self.tls_cert) != bool(self.tls_key):
            raise InputError("--tls-cert: needs --tls-key, and the other way round.")
        if self.source_url and urlsplit(self.source_url).scheme not in ("http", "https"):
            raise InputError("--source-url: must begin with https://.")
        for option, value, low in (
            ("--workers", self.workers, 1),
            ("--port", self.port, 0),
            ("--max-body-bytes", self.max_body_bytes, 1),
            ("--time-limit", self.time_limit_s, 0.001),
            ("--read-limit", self.read_limit_s, 0.001),
            ("--remember", self.remember, 0),
            ("--concurrency", self.concurrency, 1),
            ("--token-life", self.token_life_s, 1),
        ):
            if value < low:
                raise InputError(f"{option}: must be {low:g} or more.")
        if self.port > 65_535:
            raise InputError("--port: must be 65535 or less.")

    def _check_tokens(self) -> None:
        if self.issuers and not self.audience:
            raise InputError(
                "--audience: is needed with --jwt-issuer: the address clients write, such as https://cds.example.org."
            )
        if self.audience and not self.issuers:
            raise InputError("--audience: is of use with --jwt-issuer only.")
        if self.audience and (urlsplit(self.audience).scheme not in ("http", "https") or not urlsplit(self.audience).netloc):
            raise InputError("--audience: must be an address such as https://cds.example.org.")
        for issuer in self.issuers:
            if not issuer.key_urls and not issuer.key_files:
                raise InputError("--jwt-issuer: each needs its keys: --jwks-url or --jwks-file behind it.")
            for url in issuer.key_urls:
                parts = urlsplit(url)
                if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
                    raise InputError("--jwks-url: must begin with https://; keys that came in the open could be anybody's.")

    def to_json(self) -> str:
        """The settings as a worker reads them."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Settings:
        """The settings that :meth:`to_json` wrote.

        Examples:
            >>> Settings.from_json(Settings(port=9000, issuers=(Issuer("https://ehr", ("https://ehr/keys",)),)).to_json()).port
            9000
        """
        values: dict[str, Any] = json.loads(text)
        values["issuers"] = tuple(
            Issuer(one["name"], tuple(one["key_urls"]), tuple(one["key_files"])) for one in values["issuers"]
        )
        values["cors_origins"] = tuple(values["cors_origins"])
        return Settings(**{field.name: values[field.name] for field in fields(Settings)})


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only.

    Examples:
        >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "10.0.0.7", "ehr.example.org")]
        [True, True, True, False, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
