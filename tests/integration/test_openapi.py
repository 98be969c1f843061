"""The OpenAPI document: valid, and kept by the service that it describes (schemathesis)."""

import pytest

pytest.importorskip("schemathesis", reason="schemathesis is not installed")
pytest.importorskip("starlette", reason="the extra service is not installed")

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig

from cramprisk.checker import Checker
from cramprisk.integrations.cds_hooks import SERVICES
from cramprisk.service.app import create_app
from cramprisk.service.openapi import openapi
from cramprisk.service.settings import Issuer, Settings

# CDS Hooks wants 412 where prefetch data is missing; 413 is the answer to too many items. Both refuse what they should.
REFUSED = ["400", "401", "403", "404", "405", "406", "408", "412", "413", "415", "422"]
# What a schema cannot say (an end before a beginning, bytes that are no spreadsheet) is refused with 422.
TAKEN = ["200", "422"]
CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            "negative_data_rejection": {"expected-statuses": REFUSED},
            "positive_data_acceptance": {"expected-statuses": TAKEN},
        }
    }
)
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", create_app(Checker.default()), config=CONFIG)


@SCHEMA.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_service_does_what_its_document_says(case):
    case.call_and_validate()


def test_each_service_is_described():
    paths = openapi(Settings())["paths"]

    assert all(f"/cds-services/{id_}" in paths and f"/cds-services/{id_}/feedback" in paths for id_ in SERVICES)


def test_tokens_are_described_where_they_are_asked_for():
    settings_ = Settings(issuers=(Issuer("https://ehr", ("https://ehr/keys",)),), audience="https://cds.example.org/", page=False)
    document = openapi(settings_)

    assert document["servers"] == [{"url": "https://cds.example.org"}]
    assert document["paths"]["/cds-services"]["get"]["security"] == [{"token": []}]
    assert "security" not in document["paths"]["/health"]["get"]
    assert "/api/check" not in document["paths"]
