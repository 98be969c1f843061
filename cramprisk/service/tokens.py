"""Who may ask: signed tokens as CDS Hooks describes them ("Trusting CDS Clients").

Only ES384 and RS384 are taken, from the issuers that were named, with keys of that issuer's own key sets, for the
address that is called, for a short life, and once. Whatever is wrong, the caller hears the same words; the log names
the reason without the token.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from cramprisk.errors import InputError
from cramprisk.service.replay import ReplayStore, StoreFullError
from cramprisk.service.settings import Issuer, Settings

__all__ = ["Gate", "RefusedError", "UnavailableError"]

_ALGORITHMS = ("ES384", "RS384")
_REQUIRED = ["iss", "aud", "exp", "iat", "jti"]
_MAX_TOKEN = 8_192
_MAX_ID = 256
_LEEWAY_S = 30
_LEAST_RSA_BITS = 2_048
_KEYS_LIVE_S = 300
_KEYS_TIMEOUT_S = 5
_RETRY_AFTER_S = 10
_STALE_S = 3_600


class RefusedError(Exception):
    """A token is not taken. The text is the reason, for the log; a caller is told nothing of it."""


class UnavailableError(Exception):
    """Whether a token is good cannot be said now: its keys cannot be fetched, or it could not be remembered."""


class _KeySource:
    """The signing keys of one key set, by key id. Calls may come from several threads."""

    def __init__(self, *, url: str | None = None, file: str | None = None) -> None:
        from jwt import PyJWKClient

        self.url = url
        self._lock = threading.Lock()
        self._known: dict[str, Any] = _keys_of_file(file) if file is not None else {}
        self._fetched = float("-inf")
        self._retry = float("-inf")
        self._client = PyJWKClient(url, lifespan=_KEYS_LIVE_S, timeout=_KEYS_TIMEOUT_S) if url is not None else None

    def key(self, kid: str) -> Any:
        """The key with an id, or None.

        Raises:
            UnavailableError: The key set cannot be fetched, and no recent one is known.
        """
        from jwt.exceptions import PyJWKClientConnectionError, PyJWTError

        if self._client is None:
            return self._known.get(kid)
        # One thread fetches, the others wait for it; a set that cannot be reached is not asked again at once.
        with self._lock:
            now = time.monotonic()
            if now >= self._retry:
                try:
                    found = self._client.get_signing_key(kid)
                    self._fetched = now
                    self._known = {kid: found} if len(self._known) > 64 else {**self._known, kid: found}
                    return found
                except PyJWKClientConnectionError:
                    self._retry = now + _RETRY_AFTER_S
                except (PyJWTError, ValueError):
                    return None
            if now - self._fetched <= _STALE_S:
                return self._known.get(kid)
            raise UnavailableError("the key set cannot be fetched")


def _keys_of_file(file: str) -> dict[str, Any]:
    from jwt import PyJWKSet
    from jwt.exceptions import PyJWTError

    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
        keys = PyJWKSet.from_dict(content).keys
    except OSError as error:
        raise InputError(f"--jwks-file: {file} cannot be read ({error.strerror}).") from None
    except (ValueError, TypeError, AttributeError, PyJWTError):
        raise InputError(f'--jwks-file: {file} holds no JWK Set. It looks like {{"keys": [...]}}.') from None
    found = {key.key_id: key for key in keys if key.key_id and key.public_key_use in ("sig", None)}
    if not any(_suits(key, algorithm) for key in found.values() for algorithm in _ALGORITHMS):
        raise InputError(f"--jwks-file: {file} holds no key for ES384 or RS384 with a kid.")
    return found


def _suits(key: Any, algorithm: str) -> bool:
    """Whether a key is of the kind an algorithm needs: the algorithm of a token alone decides nothing."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if algorithm == "ES384":
        return isinstance(key.key, EllipticCurvePublicKey) and isinstance(key.key.curve, SECP384R1)
    # A key without "alg" counts as RS256 with this library; another algorithm than RS384 was then not asked for.
    return isinstance(key.key, RSAPublicKey) and key.key.key_size >= _LEAST_RSA_BITS and key.algorithm_name in ("RS256", "RS384")


class Gate:
    """Takes or refuses the tokens of callers.

    Args:
        settings: Whose tokens, for which address, for how long.
        store: Where tokens seen are kept.
    """

    def __init__(self, settings: Settings, store: ReplayStore) -> None:
        self._audience = settings.audience.rstrip("/")
        self._life_s = settings.token_life_s
        self._store = store
        self._issuers: dict[str, list[_KeySource]] = {}
        for issuer in settings.issuers:
            self._issuers.setdefault(issuer.name, []).extend(_sources(issuer))

    def admit(self, authorization: Sequence[str], paths: Collection[str]) -> str:
        """Take a request's token.

        Args:
            authorization: The values of its ``Authorization`` headers.
            paths: The paths its ``aud`` may name, behind the service's address.

        Returns:
            The issuer.

        Raises:
            RefusedError: There is none, or it is not to be taken.
            UnavailableError: That cannot be said now.
        """
        if not authorization:
            raise RefusedError("no token")
        scheme, _, token = authorization[0].partition(" ")
        token = token.strip()
        if len(authorization) > 1 or scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN:
            raise RefusedError("no single bearer token")
        try:
            return self._admit(token, [f"{self._audience}{path}" for path in paths])
        except (RefusedError, UnavailableError):
            raise
        except (StoreFullError, sqlite3.Error):
            raise UnavailableError("the token cannot be remembered") from None
        except Exception as error:
            raise RefusedError(type(error).__name__) from None

    def _admit(self, token: str, audiences: list[str]) -> str:
        import jwt

        header = jwt.get_unverified_header(token)
        claimed = jwt.decode(token, options={"verify_signature": False})
        issuer = claimed.get("iss")
        sources = self._issuers.get(issuer) if isinstance(issuer, str) else None
        if not isinstance(issuer, str) or sources is None:
            raise RefusedError("unknown issuer")
        algorithm, key = _chosen(header, sources)
        claims = jwt.decode(
            token,
            key=key.key,
            algorithms=[algorithm],
            audience=[*audiences, *(f"{one}/" for one in audiences)],
            issuer=issuer,
            leeway=_LEEWAY_S,
            options={"require": _REQUIRED},
        )
        begins, ends, token_id = int(claims["iat"]), int(claims["exp"]), claims["jti"]
        if not 0 < ends - begins <= self._life_s:
            raise RefusedError("life too long")
        if not isinstance(token_id, str) or not 0 < len(token_id) <= _MAX_ID:
            raise RefusedError("no usable jti")
        now = int(time.time())
        if not self._store.first(issuer, token_id, expires=ends + _LEEWAY_S, now=now):
            raise RefusedError("replayed")
        return issuer


def _sources(issuer: Issuer) -> list[_KeySource]:
    return [*(_KeySource(url=url) for url in issuer.key_urls), *(_KeySource(file=file) for file in issuer.key_files)]


def _chosen(header: Mapping[str, Any], sources: Sequence[_KeySource]) -> tuple[str, Any]:
    """The algorithm and the key of a token, by its header, from the issuer's own key sets."""
    algorithm, kid, jku = header.get("alg"), header.get("kid"), header.get("jku")
    if algorithm not in _ALGORITHMS:
        raise RefusedError("algorithm not allowed")
    if not isinstance(kid, str) or not 0 < len(kid) <= _MAX_ID:
        raise RefusedError("no usable kid")
    if "crit" in header or str(header.get("typ", "JWT")).upper() != "JWT":
        raise RefusedError("header not understood")
    if "jku" in header:
        # Only ever compared with what was configured, never fetched.
        sources = [source for source in sources if source.url is not None and source.url == jku]
        if not sources:
            raise RefusedError("jku not allowed")
    for source in sources:
        key = source.key(kid)
        if key is not None:
            if not _suits(key, algorithm):
                raise RefusedError("key does not suit the algorithm")
            return algorithm, key
    raise RefusedError("unknown key")
