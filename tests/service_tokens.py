"""Keys, tokens and settings that the tests of the service share."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from functools import cache
from pathlib import Path
from uuid import uuid4

ISSUER = "https://ehr.example.org"
OTHER_ISSUER = "https://other.example.org"
AUDIENCE = "https://cds.example.org"
JKU = "https://ehr.example.org/keys"


@cache
def private_key(name, kind="EC"):
    """A key that is made once for each name."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if kind == "RSA":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key({"EC": ec.SECP384R1, "P-256": ec.SECP256R1}[kind]())


def jwk(name, kind="EC", **more):
    """The public key as a JWK."""
    from jwt.algorithms import ECAlgorithm, RSAAlgorithm

    made = (RSAAlgorithm if kind == "RSA" else ECAlgorithm).to_jwk(private_key(name, kind).public_key(), as_dict=True)
    return {**made, "kid": name, "use": "sig", **more}


def key_file(folder: Path, *keys, name="keys.json"):
    """A file with a key set."""
    file = folder / name
    file.write_text(json.dumps({"keys": list(keys)}), encoding="utf-8")
    return str(file)


def token(path="/cds-services", *, key="main", kind="EC", headers=None, drop=(), **claims):
    """A signed token for a path, right in all it is not told otherwise."""
    import jwt

    now = int(time.time())
    payload = {"iss": ISSUER, "aud": f"{AUDIENCE}{path}", "exp": now + 300, "iat": now, "jti": str(uuid4()), **claims}
    for claim in drop:
        del payload[claim]
    algorithm = {"EC": "ES384", "RSA": "RS384", "P-256": "ES256"}[kind]
    # Not jwt.encode: that would not write what a forger writes.
    named = {name: value for name, value in {"kid": key, **(headers or {})}.items() if value is not None}
    return jwt.PyJWS().encode(json.dumps(payload).encode(), private_key(key, kind), algorithm, headers=named)


def _part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(algorithm="none", path="/cds-services", signature="", **header):
    """A token without a signature, or with one of one's own."""
    now = int(time.time())
    payload = {"iss": ISSUER, "aud": f"{AUDIENCE}{path}", "exp": now + 300, "iat": now, "jti": str(uuid4())}
    return f"{_part({'alg': algorithm, 'typ': 'JWT', 'kid': 'main', **header})}.{_part(payload)}.{signature}"


def signed_with_the_public_key(path="/cds-services"):
    """HS256 with the public key as the secret, for a library that lets the token choose the algorithm."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = private_key("main").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    body = unsigned("HS256", path).rpartition(".")[0]
    digest = hmac.new(public, body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
