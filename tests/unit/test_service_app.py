import asyncio
import json
import logging
from contextlib import contextmanager

import pytest

pytest.importorskip("starlette", reason="the extra service is not installed")

import httpx

from bench.hook_requests import hook_request
from cramprisk.checker import Checker
from cramprisk.errors import InputError
from cramprisk.integrations.cds_hooks import SERVICES, discovery, handle
from cramprisk.service import app as app_module
from cramprisk.service.app import create_app
from cramprisk.service.replay import ReplayStore
from cramprisk.service.settings import Issuer, Settings
from tests.service_tokens import AUDIENCE, ISSUER, jwk, key_file, token, unsigned

SIGN = "/cds-services/cramprisk-order-sign"
SECRET = "Mrs Secret"


class Client:
    """Asks an application in this process; an error that reaches the server is an answer of 500."""

    def __init__(self, app):
        self.transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def request(self, method, path, **options):
        async def answered():
            async with httpx.AsyncClient(transport=self.transport, base_url="http://127.0.0.1") as client:
                return await client.request(method, path, **options)

        return asyncio.run(answered())

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)

    def options(self, path, **options):
        return self.request("OPTIONS", path, **options)


@contextmanager
def serving(settings=None, store=None):
    yield Client(create_app(Checker.default(), settings, store=store))


@pytest.fixture(scope="module")
def client():
    with serving() as made:
        yield made


@pytest.fixture
def guarded(tmp_path):
    store = ReplayStore(tmp_path / "seen.db")
    settings = Settings(
        issuers=(Issuer(ISSUER, (), (key_file(tmp_path, jwk("main")),)),), audience=AUDIENCE, page=False, host="0.0.0.0"
    )
    with serving(settings, store) as made:
        yield made
    store.close()


def bearer(path, **claims):
    return {"authorization": f"Bearer {token(path, **claims)}"}


def logged(caplog):
    return [record.fields for record in caplog.records if record.name == "cramprisk.service"]


def is_outcome(answer):
    body = answer.json()
    return (
        body["resourceType"] == "OperationOutcome" and body["issue"][0]["severity"] == "error" and body["issue"][0]["diagnostics"]
    )


# ---------------------------------------------------------------------- what is answered


def test_discovery_is_answered(client):
    answer = client.get("/cds-services")

    assert (answer.status_code, answer.json()) == (200, discovery())


@pytest.mark.parametrize("id_", SERVICES)
def test_each_service_answers_as_handle_does(client, id_):
    hook = SERVICES[id_]
    request = hook_request(hook, ["Ventolin"], ["T2DM"], None if hook == "patient-view" else ["HCTZ 25 mg"])

    answer = client.post(f"/cds-services/{id_}", json=request)

    assert (answer.status_code, answer.json()) == (200, handle(request))


def test_feedback_is_received(client):
    one = {"card": "c", "outcome": "overridden", "outcomeTimestamp": "2026-11-20T10:00:00Z"}

    assert client.post(f"{SIGN}/feedback", json={"feedback": [one, one]}).json() == {"received": 2}


def test_health_says_which_tables_are_used(client):
    assert client.get("/health").json()["tables"] == Checker.default().tables.version


def test_the_page_is_served_beside_the_services(client):
    answer = client.get("/")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_without_the_page_there_is_none():
    with serving(Settings(page=False)) as client:
        assert client.get("/").status_code == 404
        assert client.post("/api/check", json={}).status_code == 404


# ---------------------------------------------------------------------- what is refused


WRONG = {
    "no such service": ("POST", "/cds-services/other", b"{}", "application/json", 404),
    "no such address": ("GET", "/no-such-thing", b"", "", 404),
    "the wrong method": ("GET", SIGN, b"", "", 405),
    "no content type": ("POST", SIGN, b"{}", "", 415),
    "another content type": ("POST", SIGN, b"{}", "text/plain", 415),
    "a form": ("POST", SIGN, b"a=b", "application/x-www-form-urlencoded", 415),
    "no body": ("POST", SIGN, b"", "application/json", 400),
    "no JSON": ("POST", SIGN, b"{", "application/json", 400),
    "not UTF-8": ("POST", SIGN, b'{"a": "\xff"}', "application/json", 400),
    "NaN": ("POST", SIGN, b'{"a": NaN}', "application/json", 400),
    "an endless number": ("POST", SIGN, b'{"a": ' + b"9" * 10_000 + b"}", "application/json", 400),
    "nested beyond reading": ("POST", SIGN, b"[" * 200_000, "application/json", 400),
    "nested deep": ("POST", SIGN, b'{"a":' * 900 + b"1" + b"}" * 900, "application/json", 400),
    "a list": ("POST", SIGN, b"[]", "application/json", 400),
    "null": ("POST", SIGN, b"null", "application/json", 400),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_refused_with_its_status(client, what):
    method, path, body, kind, status = WRONG[what]

    answer = client.request(method, path, content=body, headers={"content-type": kind} if kind else {})

    assert answer.status_code == status
    assert is_outcome(answer)


def test_a_request_of_another_hook_is_refused(client):
    assert client.post(SIGN, json=hook_request("patient-view", ["x"], [])).status_code == 400


def test_a_request_with_a_name_twice_is_refused(client):
    request = json.dumps(hook_request("order-sign", [], [], ["quinine"])).replace('"text": ', '"text": "Lasix", "text": ')

    answer = client.post(SIGN, content=request, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert "twice" in answer.text
    assert "Lasix" not in answer.text


def test_missing_prefetch_is_412(client):
    request = hook_request("patient-view", ["x"], [])
    del request["prefetch"]

    assert client.post("/cds-services/cramprisk-patient-view", json=request).status_code == 412


def test_lone_surrogates_are_answered(client):
    request = json.dumps(hook_request("order-sign", [], [], ["zzyzx \ud800"]))

    answer = client.post(SIGN, content=request, headers={"content-type": "application/json; charset=utf-8"})

    assert answer.status_code == 200


def test_a_compressed_body_is_refused(client):
    answer = client.post(SIGN, content=b"x", headers={"content-type": "application/json", "content-encoding": "gzip"})

    assert answer.status_code == 415


# ---------------------------------------------------------------------- limits


async def parts(count, sent):
    for _ in range(count):
        sent.append(1)
        yield b"x" * 100


def test_a_body_announced_too_large_is_refused_unread():
    sent = []
    with serving(Settings(max_body_bytes=1_000)) as client:
        headers = {"content-type": "application/json", "content-length": "100000000"}
        answer = client.post(SIGN, content=parts(1_000_000, sent), headers=headers)

    assert (answer.status_code, len(sent)) == (413, 0)
    assert answer.headers["connection"] == "close"


def test_a_body_that_grows_too_large_is_refused_where_it_does():
    sent = []
    with serving(Settings(max_body_bytes=1_000)) as client:
        answer = client.post(SIGN, content=parts(1_000_000, sent), headers={"content-type": "application/json"})

    assert (answer.status_code, len(sent)) == (413, 11)
    assert is_outcome(answer)


def test_a_body_that_does_not_arrive_is_given_up():
    async def slow():
        yield b"{"
        await asyncio.sleep(5)

    with serving(Settings(read_limit_s=0.05)) as client:
        answer = client.post(SIGN, content=slow(), headers={"content-type": "application/json"})

    assert answer.status_code == 408
    assert answer.headers["connection"] == "close"


def test_an_answer_that_takes_too_long_is_503(monkeypatch):
    import time

    def slow(*_, **__):
        time.sleep(0.5)

    monkeypatch.setattr(app_module, "reply", slow)
    with serving(Settings(time_limit_s=0.05)) as client:
        answer = client.post(SIGN, json=hook_request("order-sign", [], [], ["x"]))

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


def test_an_error_of_our_own_says_nothing_to_the_client_and_only_its_place_to_the_log(monkeypatch, caplog):
    def broken(*_, **__):
        raise KeyError(SECRET)

    monkeypatch.setattr(app_module, "reply", broken)
    caplog.set_level(logging.INFO, "cramprisk.service")
    with serving() as client:
        answer = client.post(SIGN, json=hook_request("order-sign", [], [], ["x"]))

    assert answer.status_code == 500
    assert SECRET not in answer.text
    assert logged(caplog)[-1]["error"] == "KeyError"
    assert "test_service_app.py" in logged(caplog)[-1]["at"]
    assert all(SECRET not in json.dumps(fields) for fields in logged(caplog))


# ---------------------------------------------------------------------- headers and the log


@pytest.mark.parametrize("path", ["/cds-services", "/health", "/openapi.json", "/nothing", "/"])
def test_every_answer_carries_the_headers(client, path):
    headers = client.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert len(headers["x-request-id"]) == 36


def test_a_request_keeps_its_id_if_that_is_a_uuid(client):
    given = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"

    assert client.get("/health", headers={"x-request-id": given}).headers["x-request-id"] == given
    assert client.get("/health", headers={"x-request-id": SECRET}).headers["x-request-id"] != SECRET


def test_the_log_holds_counts_and_nothing_of_the_request(caplog):
    caplog.set_level(logging.INFO, "cramprisk.service")
    request = hook_request("order-sign", [f"{SECRET} 5 mg"], [SECRET], [SECRET])
    request["context"] |= {"userId": SECRET, "patientId": SECRET, "encounterId": SECRET}
    request["fhirAuthorization"] = {"access_token": SECRET}
    with serving() as client:
        client.post(SIGN, json=request, headers={"x-request-id": SECRET, "user-agent": SECRET})
        client.post(f"/cds-services/{SECRET}", json=request)
        client.get(f"/{SECRET}?q={SECRET}")
        client.request(SECRET.replace(" ", ""), "/health")
        comment = {"card": SECRET, "outcome": "overridden", "outcomeTimestamp": SECRET, "overrideReason": {"userComment": SECRET}}
        client.post(f"{SIGN}/feedback", json={"feedback": [comment]})

    lines = logged(caplog)
    assert len(lines) == 5
    assert all("Secret" not in json.dumps(line) for line in lines)
    assert lines[0]["hook"] == "order-sign"
    assert lines[0]["route"] == "/cds-services/{id}"
    assert {"request", "method", "status", "ms", "bytes", "entries", "unread", "cards"} <= set(lines[0])


# ---------------------------------------------------------------------- other origins


def test_pages_of_other_origins_may_not_call(client):
    answer = client.options(SIGN, headers={"origin": "https://ehr.example.org", "access-control-request-method": "POST"})

    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-origin" not in client.get("/cds-services", headers={"origin": "https://ehr.example.org"}).headers


def test_pages_of_an_origin_on_the_list_may_call():
    with serving(Settings(cors_origins=("https://ehr.example.org",))) as client:
        asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
        mine = client.options(SIGN, headers={"origin": "https://ehr.example.org", **asked})
        other = client.options(SIGN, headers={"origin": "https://ehr.example.org.evil.example", **asked})

    assert (mine.status_code, mine.headers["access-control-allow-origin"]) == (200, "https://ehr.example.org")
    assert "access-control-allow-credentials" not in mine.headers
    assert other.status_code == 400
    assert "access-control-allow-origin" not in other.headers


# ---------------------------------------------------------------------- tokens


def test_with_tokens_every_service_asks_for_one(guarded):
    for method, path in (("GET", "/cds-services"), ("POST", SIGN), ("POST", f"{SIGN}/feedback"), ("POST", "/cds-services/other")):
        answer = guarded.request(method, path, json={} if method == "POST" else None)

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_right_token_opens_the_service_it_is_for(guarded):
    request = hook_request("order-sign", [], [], ["HCTZ 25 mg"])

    assert guarded.get("/cds-services", headers=bearer("/cds-services")).status_code == 200
    assert guarded.post(SIGN, json=request, headers=bearer(SIGN)).json() == handle(request)
    assert guarded.post(SIGN, json=request, headers=bearer("/cds-services/cramprisk-patient-view")).status_code == 401


def test_feedback_takes_a_token_for_either_address(guarded):
    body = {"feedback": [{"card": "c", "outcome": "accepted", "outcomeTimestamp": "t"}]}

    assert guarded.post(f"{SIGN}/feedback", json=body, headers=bearer(f"{SIGN}/feedback")).status_code == 200
    assert guarded.post(f"{SIGN}/feedback", json=body, headers=bearer(SIGN)).status_code == 200


def test_a_token_is_taken_once_over_http(guarded):
    headers = bearer("/cds-services")

    assert [guarded.get("/cds-services", headers=headers).status_code for _ in range(2)] == [200, 401]


def test_all_refusals_sound_alike(guarded):
    texts = {
        guarded.get("/cds-services", headers={"authorization": f"Bearer {text}"}).text
        for text in (unsigned(), token(exp=1), token(iss="x"), token("/other"), token(headers={"kid": "x"}), "x")
    }
    texts.add(guarded.get("/cds-services").text)

    assert len(texts) == 1


def test_the_reason_of_a_refusal_is_logged_without_the_token(guarded, caplog):
    caplog.set_level(logging.INFO, "cramprisk.service")
    guarded.get("/cds-services", headers=bearer("/cds-services", iat=1, exp=2, jti="secret-id"))

    assert logged(caplog)[-1]["refused"] == "ExpiredSignatureError"
    assert "secret-id" not in json.dumps(logged(caplog))


def test_health_and_the_document_ask_for_no_token(guarded):
    assert guarded.get("/health").status_code == 200
    assert guarded.get("/openapi.json").json()["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_the_page_is_not_served_beside_tokens(guarded):
    assert guarded.get("/").status_code == 404


def test_a_preflight_asks_for_no_token(tmp_path):
    issuers = (Issuer(ISSUER, (), (key_file(tmp_path, jwk("main")),)),)
    store = ReplayStore(tmp_path / "seen.db")
    with serving(Settings(issuers=issuers, audience=AUDIENCE, cors_origins=("https://a.example",)), store) as client:
        answer = client.options(SIGN, headers={"origin": "https://a.example", "access-control-request-method": "POST"})
    store.close()

    assert answer.status_code == 200


def test_issuers_need_a_store(tmp_path):
    issuers = (Issuer(ISSUER, (), (key_file(tmp_path, jwk("main")),)),)

    with pytest.raises(InputError, match="store"):
        create_app(Checker.default(), Settings(issuers=issuers, audience=AUDIENCE))
