"""The OpenAPI 3.1 document of the service, made of the same limits and words that the code uses."""

from __future__ import annotations

from typing import Any

from cramprisk._version import __version__
from cramprisk.integrations.cds_cards import OVERRIDE_REASONS
from cramprisk.integrations.cds_request import NOT_BLANK, PREFETCH
from cramprisk.service.settings import Settings

__all__ = ["openapi"]

_WORDS = {"type": "string", "minLength": 1, "pattern": NOT_BLANK}
_TEXT = {**_WORDS, "maxLength": 512}
_RESOURCE = {
    "description": "A FHIR resource (R4, R4B or R5); unknown and missing fields are borne.",
    "type": "object",
    "required": ["resourceType"],
    "properties": {"resourceType": {"type": "string"}},
}
_BUNDLE = {
    "type": "object",
    "required": ["resourceType"],
    "properties": {
        "resourceType": {"const": "Bundle"},
        "entry": {
            "type": "array",
            "items": {"type": "object", "required": ["resource"], "properties": {"resource": {"type": "object"}}},
        },
    },
}
_CODING = {
    "type": "object",
    "required": ["system", "code"],
    "properties": {"system": {"type": "string"}, "code": {"type": "string"}, "display": {"type": "string"}},
}
_CARD = {
    "type": "object",
    "required": ["uuid", "summary", "detail", "indicator", "source"],
    "additionalProperties": False,
    "properties": {
        "uuid": {"type": "string", "format": "uuid"},
        "summary": {"type": "string", "minLength": 1, "maxLength": 139},
        "detail": {"type": "string", "minLength": 1, "description": "GitHub Flavored Markdown."},
        "indicator": {"enum": ["info", "warning"]},
        "source": {
            "type": "object",
            "required": ["label", "topic"],
            "additionalProperties": False,
            "properties": {
                "label": {"type": "string", "minLength": 1},
                "url": {"type": "string", "format": "uri"},
                "topic": {"$ref": "#/components/schemas/Coding"},
            },
        },
        "links": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["label", "url", "type"],
                "additionalProperties": False,
                "properties": {
                    "label": {"type": "string", "minLength": 1},
                    "url": {"type": "string", "format": "uri"},
                    "type": {"const": "absolute"},
                },
            },
        },
        "overrideReasons": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["system", "code", "display"],
                "properties": {
                    "system": {"type": "string"},
                    "code": {"enum": list(OVERRIDE_REASONS)},
                    "display": {"type": "string"},
                },
            },
        },
    },
}
_OUTCOME = {
    "description": "What is wrong, without a value of the request.",
    "type": "object",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["severity", "code", "diagnostics"],
                "properties": {
                    "severity": {"const": "error"},
                    "code": {"type": "string"},
                    "diagnostics": {"type": "string"},
                },
            },
        },
    },
}
_FEEDBACK = {
    "type": "object",
    "required": ["feedback"],
    "properties": {
        "feedback": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1000,
            "items": {
                "type": "object",
                "required": ["card", "outcome", "outcomeTimestamp"],
                "properties": {
                    "card": _WORDS,
                    "outcome": {"enum": ["accepted", "overridden"]},
                    "outcomeTimestamp": _WORDS,
                    "acceptedSuggestions": {
                        "type": "array",
                        "items": {"type": "object", "required": ["id"], "properties": {"id": _WORDS}},
                    },
                    "overrideReason": {
                        "type": "object",
                        "properties": {"reason": {"$ref": "#/components/schemas/Coding"}, "userComment": {"type": "string"}},
                    },
                },
            },
        }
    },
}


def openapi(settings: Settings) -> dict[str, Any]:
    """The document.

    Args:
        settings: Whether tokens are asked for, and the address that clients write.

    Examples:
        >>> openapi(Settings())["openapi"]
        '3.1.0'
    """
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "cramprisk",
            "version": __version__,
            "summary": "Which medicines and conditions of a patient are associated with muscle cramps.",
            "description": "CDS Hooks 2.0.1. Information for health professionals, not a medical device.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/cds-services": {
                "get": _operation("discovery", "The services and their prefetch templates", _ok("Discovery"), settings),
            },
            **{
                path: item
                for hook, id_ in (
                    ("PatientView", "cramprisk-patient-view"),
                    ("OrderSelect", "cramprisk-order-select"),
                    ("OrderSign", "cramprisk-order-sign"),
                )
                for path, item in _service(hook, id_, settings)
            },
            "/health": {"get": _operation("health", "Whether the service answers", _ok("Health"), None)},
            "/openapi.json": {
                "get": _operation("openapi", "This document", {"200": _json({"type": "object"}, "This document")}, None)
            },
        },
        "components": {"schemas": _schemas()},
    }
    if settings.page:
        from cramprisk.service.page_openapi import page_paths

        document["paths"] |= page_paths()
    if settings.audience:
        document["servers"] = [{"url": settings.audience.rstrip("/")}]
    if settings.issuers:
        document["components"]["securitySchemes"] = {
            "token": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "CDS Hooks, Trusting CDS Clients: ES384 or RS384, with iss, aud, exp, iat and jti; taken once.",
            }
        }
    return document


def _service(hook: str, id_: str, settings: Settings) -> list[tuple[str, dict[str, Any]]]:
    call = _operation(f"call{hook}", f"Cards for {id_.removeprefix('cramprisk-')}", _ok("Cards"), settings, body=f"{hook}Request")
    call["responses"]["412"] = _problem("Needed prefetch data is missing.")
    feedback = _operation(f"feedback{hook}", "What became of cards", _ok("Received"), settings, body="Feedback")
    return [(f"/cds-services/{id_}", {"post": call}), (f"/cds-services/{id_}/feedback", {"post": feedback})]


def _operation(
    id_: str, summary: str, responses: dict[str, Any], settings: Settings | None, *, body: str | None = None
) -> dict[str, Any]:
    made: dict[str, Any] = {"operationId": id_, "summary": summary, "responses": dict(responses)}
    if settings is not None and settings.issuers:
        made["security"] = [{"token": []}]
        made["responses"]["401"] = _problem("No valid token.")
    if settings is not None:
        made["responses"]["503"] = _problem("Too much to do, or no answer in time.")
    if body is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": _named(body)}}}
        for status, text in (
            ("400", "The request is wrong."),
            ("408", "The body did not arrive in time."),
            ("413", "The body is too large, or holds too many resources."),
            ("415", "The body is not application/json."),
        ):
            made["responses"][status] = _problem(text)
    return made


def _named(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ok(name: str) -> dict[str, Any]:
    return {"200": _json(_named(name), "The answer")}


def _problem(text: str) -> dict[str, Any]:
    return _json(_named("OperationOutcome"), text)


def _schemas() -> dict[str, Any]:
    return {
        "Resource": _RESOURCE,
        "Bundle": _BUNDLE,
        "Coding": _CODING,
        "Card": _CARD,
        "OperationOutcome": _OUTCOME,
        "Feedback": _FEEDBACK,
        "PatientViewRequest": _request("patient-view"),
        "OrderSelectRequest": _request("order-select"),
        "OrderSignRequest": _request("order-sign"),
        "Cards": {
            "type": "object",
            "required": ["cards"],
            "additionalProperties": False,
            "properties": {"cards": {"type": "array", "items": _named("Card")}},
        },
        "Discovery": {
            "type": "object",
            "required": ["services"],
            "properties": {
                "services": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["hook", "title", "description", "id", "prefetch"],
                        "properties": {
                            **{name: {"type": "string"} for name in ("hook", "title", "description", "id", "usageRequirements")},
                            "prefetch": {"type": "object", "additionalProperties": {"type": "string"}},
                        },
                    },
                }
            },
        },
        "Received": {
            "type": "object",
            "required": ["received"],
            "properties": {"received": {"type": "integer", "minimum": 1}},
        },
        "Health": {
            "type": "object",
            "required": ["status", "version", "tables"],
            "properties": {"status": {"const": "ok"}, "version": {"type": "string"}, "tables": {"type": "string"}},
        },
    }


def _request(hook: str) -> dict[str, Any]:
    context: dict[str, Any] = {
        "type": "object",
        "required": ["userId", "patientId"],
        "properties": {"userId": _TEXT, "patientId": _TEXT, "encounterId": _TEXT},
    }
    if hook != "patient-view":
        context["required"] += ["draftOrders"]
        context["properties"] |= {"draftOrders": _named("Bundle")}
    if hook == "order-select":
        context["required"] += ["selections"]
        context["properties"] |= {"selections": {"type": "array", "minItems": 1, "items": _TEXT}}
    nullable = {"oneOf": [_named("Resource"), {"type": "null"}]}
    return {
        "type": "object",
        "required": ["hook", "hookInstance", "context", "prefetch"],
        "properties": {
            "hook": {"const": hook},
            "hookInstance": {"type": "string", "format": "uuid"},
            "fhirServer": {"description": "Taken note of by nobody: this service calls no other."},
            "fhirAuthorization": {"description": "The same."},
            "context": context,
            "prefetch": {
                "type": "object",
                "required": ["conditions"],
                "anyOf": [{"required": ["medications"]}, {"required": ["statements"]}],
                "properties": dict.fromkeys(PREFETCH, nullable),
            },
        },
    }
