import http.server
import json
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("jwt", reason="the extra service is not installed")

from cramprisk.errors import InputError
from cramprisk.service.replay import ReplayStore, StoreFullError
from cramprisk.service.settings import Issuer, Settings
from cramprisk.service.tokens import Gate, RefusedError, UnavailableError
from tests.service_tokens import (
    AUDIENCE,
    ISSUER,
    JKU,
    OTHER_ISSUER,
    jwk,
    key_file,
    signed_with_the_public_key,
    token,
    unsigned,
)

PATHS = {"/cds-services"}


@pytest.fixture
def store(tmp_path):
    made = ReplayStore(tmp_path / "seen.db")
    yield made
    made.close()


@pytest.fixture
def gate(tmp_path, store):
    mine = key_file(
        tmp_path, jwk("main"), jwk("rsa", "RSA"), jwk("short", "P-256"), {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}
    )
    theirs = key_file(tmp_path, jwk("theirs"), name="theirs.json")
    issuers = (Issuer(ISSUER, (), (mine,)), Issuer(OTHER_ISSUER, (), (theirs,)))
    return Gate(Settings(issuers=issuers, audience=AUDIENCE), store)


def admit(gate, text):
    return gate.admit([f"Bearer {text}"], PATHS)


def test_a_right_token_is_taken(gate):
    assert admit(gate, token()) == ISSUER
    assert admit(gate, token(key="rsa", kind="RSA")) == ISSUER
    assert admit(gate, token(key="theirs", iss=OTHER_ISSUER)) == OTHER_ISSUER
    assert admit(gate, token(aud=["https://elsewhere.example.org", f"{AUDIENCE}/cds-services"])) == ISSUER


def now():
    return int(time.time())


FORGED = {
    "alg none": unsigned,
    "alg None": lambda: unsigned("None"),
    "no algorithm": lambda: unsigned(None),
    "HS256 with the public key": signed_with_the_public_key,
    "ES256": lambda: token(key="short", kind="P-256"),
    "ES256 key named, ES384 claimed": lambda: unsigned("ES384", signature="AAAA", kid="short"),
    "RS384 claimed for the EC key": lambda: unsigned("RS384", signature="AAAA"),
    "signature cut": lambda: token()[:-4],
    "signature of another token": lambda: token().rpartition(".")[0] + "." + token().rpartition(".")[2],
    "signature empty": lambda: token().rpartition(".")[0] + ".",
    "unknown kid": lambda: token(headers={"kid": "nobody"}),
    "no kid": lambda: token(headers={"kid": None}),
    "symmetric key of the set": lambda: token(headers={"kid": "oct"}),
    "a key of another issuer": lambda: token(key="theirs"),
    "another key under a known kid": lambda: token(key="stranger", headers={"kid": "main"}),
    "unknown issuer": lambda: token(iss="https://stranger.example.org"),
    "issuer that is a list": lambda: token(iss=[ISSUER]),
    "expired": lambda: token(iat=now() - 600, exp=now() - 300),
    "issued in the future": lambda: token(iat=now() + 300, exp=now() + 600),
    "not yet valid": lambda: token(nbf=now() + 300),
    "living too long": lambda: token(exp=now() + 100_000),
    "expiring before it is issued": lambda: token(iat=now() + 20, exp=now() + 10),
    "infinite expiry": lambda: token(exp=float("inf")),
    "expiry that is a text": lambda: token(exp="tomorrow"),
    "another audience": lambda: token(aud="https://cds.example.org/other"),
    "the audience of another service": lambda: token("/cds-services/cramprisk-order-sign"),
    "an audience that begins alike": lambda: token(aud="https://cds.example.org.evil.example/cds-services"),
    "no issuer": lambda: token(drop=["iss"]),
    "no audience": lambda: token(drop=["aud"]),
    "no expiry": lambda: token(drop=["exp"]),
    "no issue time": lambda: token(drop=["iat"]),
    "no jti": lambda: token(drop=["jti"]),
    "empty jti": lambda: token(jti=""),
    "endless jti": lambda: token(jti="x" * 1000),
    "jku that was not allowed": lambda: token(headers={"jku": "https://evil.example.org/keys"}),
    "jku of an issuer with key files only": lambda: token(headers={"jku": JKU}),
    "a key of its own": lambda: token(key="stranger", headers={"jwk": jwk("stranger")}),
    "crit": lambda: token(headers={"crit": ["exp"]}),
    "another type": lambda: token(headers={"typ": "at+jwt"}),
    "no token": lambda: "",
    "not a token": lambda: "x.y.z",
    "too many parts": lambda: token() + ".x",
    "endless": lambda: "x" * 100_000,
    "not ASCII": lambda: "é.é.é",
    "deeply nested header": lambda: unsigned(x=json.loads("[" * 500 + "]" * 500)),
}


@pytest.mark.parametrize("what", FORGED)
def test_nobody_is_let_in_by(gate, what):
    with pytest.raises(RefusedError):
        admit(gate, FORGED[what]())


@pytest.mark.parametrize("given", [[], ["Basic eDp5"], ["Bearer"], [""], ["Bearer a", "Bearer b"]])
def test_anything_but_one_bearer_token_is_refused(gate, given):
    with pytest.raises(RefusedError):
        gate.admit(given, PATHS)


def test_two_right_tokens_are_refused(gate):
    with pytest.raises(RefusedError):
        gate.admit([f"Bearer {token()}", f"Bearer {token()}"], PATHS)


def test_a_token_is_taken_once(gate):
    text = token()
    admit(gate, text)

    with pytest.raises(RefusedError, match="replayed"):
        admit(gate, text)


def test_a_token_that_is_refused_uses_up_nothing(gate):
    text = token(jti="one")
    with pytest.raises(RefusedError):
        admit(gate, text[:-4] + "AAAA")

    assert admit(gate, text) == ISSUER


def test_no_reason_holds_anything_of_the_token(gate):
    with pytest.raises(RefusedError) as caught:
        admit(gate, token(iss="https://secret.example.org", jti="secret"))

    assert "secret" not in str(caught.value)


# ---------------------------------------------------------------------- tokens seen


def test_workers_that_share_a_file_share_what_was_seen(tmp_path):
    one, other = ReplayStore(tmp_path / "seen.db"), ReplayStore(tmp_path / "seen.db")
    try:
        assert one.first("i", "t", expires=200, now=100)
        assert not other.first("i", "t", expires=200, now=100)
        assert other.first("i2", "t", expires=200, now=100)
    finally:
        one.close()
        other.close()


def test_of_many_at_once_one_is_the_first(tmp_path):
    stores = [ReplayStore(tmp_path / "seen.db") for _ in range(4)]
    answers = []
    start = threading.Barrier(8)

    def ask(number):
        start.wait()
        answers.append(stores[number % 4].first("i", "t", expires=200, now=100))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in stores:
        one.close()

    assert sorted(answers) == [False] * 7 + [True]


def test_what_has_expired_is_forgotten(store):
    for number in range(2_000):
        assert store.first("i", str(number), expires=number + 10, now=number)

    assert len(store) < 300


def test_a_full_store_takes_no_token_unremembered(tmp_path):
    small = ReplayStore(tmp_path / "small.db", most=2)
    try:
        assert small.first("i", "1", expires=200, now=100)
        assert small.first("i", "2", expires=200, now=100)
        with pytest.raises(StoreFullError):
            small.first("i", "3", expires=200, now=100)
        assert small.first("i", "3", expires=400, now=300)
    finally:
        small.close()


def test_a_store_that_cannot_be_written_lets_nobody_in(gate, store):
    store.close()

    with pytest.raises(UnavailableError):
        admit(gate, token())


def test_the_file_holds_no_token_and_no_issuer(tmp_path):
    store = ReplayStore(tmp_path / "seen.db")
    store.first("https://ehr.example.org", "secret-token-id", expires=200, now=100)
    store.close()

    assert all(b"secret" not in file.read_bytes() and b"ehr.example" not in file.read_bytes() for file in tmp_path.iterdir())


# ---------------------------------------------------------------------- key sets at an address


@contextmanager
def key_server(answers):
    """A server on this machine that gives the last of some key sets, and counts how often it was asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            content = answers[-1]
            if content is None:
                self.send_error(500)
                return
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    asked = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/keys", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def gate_of(url, store):
    return Gate(Settings(issuers=(Issuer(ISSUER, (url,)),), audience=AUDIENCE), store)


def test_keys_at_an_address_are_fetched_once(store):
    with key_server([{"keys": [jwk("main")]}]) as (url, asked):
        gate = gate_of(url, store)
        for _ in range(5):
            admit(gate, token(headers={"jku": url}))

    assert len(asked) == 1


def test_unknown_keys_do_not_make_the_service_ask_again_and_again(store):
    with key_server([{"keys": [jwk("main")]}]) as (url, asked):
        gate = gate_of(url, store)
        for number in range(5):
            with pytest.raises(RefusedError):
                admit(gate, token(headers={"kid": f"nobody{number}"}))

    assert len(asked) == 1


def test_keys_that_cannot_be_fetched_let_nobody_in_and_are_not_asked_for_at_once_again(store):
    with key_server([None]) as (url, asked):
        gate = gate_of(url, store)
        for _ in range(3):
            with pytest.raises(UnavailableError):
                admit(gate, token())

    assert len(asked) == 1


def test_a_jku_is_never_fetched(store):
    with key_server([{"keys": [jwk("main")]}]) as (url, asked), key_server([{"keys": [jwk("stranger")]}]) as (evil, evil_asked):
        gate = gate_of(url, store)
        with pytest.raises(RefusedError):
            admit(gate, token(key="stranger", headers={"jku": evil}))

    assert evil_asked == []
    assert asked == []


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "c2Vj", "kid": "a"}]}', '{"keys": [1]}']
)
def test_a_key_file_that_holds_no_usable_key_is_refused_at_the_start(tmp_path, store, content):
    (tmp_path / "keys.json").write_text(content, encoding="utf-8")
    settings = Settings(issuers=(Issuer(ISSUER, (), (str(Path(tmp_path) / "keys.json"),)),), audience=AUDIENCE)

    with pytest.raises(InputError, match="--jwks-file"):
        Gate(settings, store)
