"""What the page asks, as paths of an OpenAPI 3.1 document."""

from __future__ import annotations

from typing import Any

from cramprisk.service.asked import MOST_ENTRIES, PARTS, SEXES

__all__ = ["page_paths"]

_DAY = {"type": ["string", "null"], "format": "date"}
_PLACE = {"type": ["integer", "null"], "minimum": 0, "description": "In UTF-16 code units of the text that was sent."}
_KIND = {"enum": ["drug", "condition"]}
_MEDICINE = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {"text": {"type": "string"}, "start": _DAY, "stop": {**_DAY, "description": "Not before start."}},
}
_QUESTION = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "drugs": {
            "description": "A text that is split into entries, or the entries, with their days if these are known.",
            "anyOf": [
                {"type": ["string", "null"]},
                {"type": "array", "maxItems": MOST_ENTRIES, "items": {"anyOf": [{"type": "string"}, _MEDICINE]}},
            ],
        },
        "conditions": {
            "anyOf": [{"type": ["string", "null"]}, {"type": "array", "maxItems": MOST_ENTRIES, "items": {"type": "string"}}]
        },
        "age": {"type": ["number", "null"], "minimum": 0, "maximum": 130, "description": "In years."},
        "sex": {"enum": [*SEXES, None]},
        "pregnant_weeks": {
            "type": ["number", "null"],
            "minimum": 0,
            "maximum": 45,
            "description": "Completed weeks; not given with the sex male.",
        },
        "cramps_since": _DAY,
        "days": {
            "description": "The days of medicines, by the text of their entry, where drugs is one text.",
            "type": ["array", "null"],
            "maxItems": MOST_ENTRIES,
            "items": _MEDICINE,
        },
        "parts": {
            "type": ["array", "null"],
            "items": {"enum": list(PARTS)},
            "description": "What the answer holds; the report if missing.",
        },
    },
}
_CHOICE = {
    "type": "object",
    "required": ["label", "text", "kind"],
    "additionalProperties": False,
    "properties": {"label": {"type": "string"}, "text": {"type": "string"}, "kind": _KIND},
}
_OPEN = {
    "type": "object",
    "required": ["index", "text", "kind", "why", "start", "end", "choices"],
    "additionalProperties": False,
    "properties": {
        "index": {"type": "integer", "minimum": 0},
        "text": {"type": "string"},
        "kind": _KIND,
        "why": {"type": "string"},
        "start": _PLACE,
        "end": _PLACE,
        "choices": {"type": "array", "items": _CHOICE, "description": "What the entry would be replaced with, each tried out."},
    },
}
_NEAR = {
    "type": "object",
    "required": ["index", "written", "read", "kind"],
    "additionalProperties": False,
    "properties": {"index": {"type": "integer"}, "written": {"type": "string"}, "read": {"type": "string"}, "kind": _KIND},
}
_ANSWER = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "report": {"type": "object", "description": "As report.schema.json of the package says."},
        "page": {
            "type": "object",
            "required": ["summary", "complete", "risks", "html", "open", "near", "medicines"],
            "additionalProperties": False,
            "properties": {
                "summary": {"type": "string"},
                "complete": {"type": "boolean"},
                "risks": {"type": "integer", "minimum": 0},
                "html": {"type": "string", "description": "The report as a part of a page."},
                "open": {"type": "array", "items": _OPEN},
                "near": {"type": "array", "items": _NEAR},
                "medicines": {"type": "array", "items": {"type": "string"}},
            },
        },
        "text": {"type": "string"},
        "csv": {"type": "string"},
    },
}
_COLUMNS = {
    "type": "object",
    "required": ["columns"],
    "additionalProperties": False,
    "properties": {
        "columns": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["name", "entries", "kind"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string"},
                    "entries": {"type": "array", "minItems": 1, "items": {"type": "string"}},
                    "kind": {"enum": ["drug", "condition", None]},
                },
            },
        }
    },
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong; never what was sent."},
    },
}


def page_paths() -> dict[str, Any]:
    """The paths of the page that other programs may ask too; the page itself and its files are left out.

    Examples:
        >>> sorted(page_paths())
        ['/api/check', '/api/open']
    """
    return {
        "/api/check": {
            "post": {
                "operationId": "check",
                "summary": "The report about a list of medicines and conditions",
                "requestBody": {"required": True, "content": {"application/json": {"schema": _QUESTION}}},
                "responses": _responses("The parts that were asked for.", _ANSWER),
            }
        },
        "/api/open": {
            "post": {
                "operationId": "open",
                "summary": "The columns of a file with a list",
                "parameters": [
                    {
                        "name": "X-File-Kind",
                        "in": "header",
                        "required": True,
                        "schema": {"enum": ["csv", "tsv", "txt", "xlsx"]},
                        "description": "What the name of the file ends with. The name itself is not sent.",
                    }
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
                },
                "responses": _responses("Its columns.", _COLUMNS),
            }
        },
    }


def _responses(words: str, schema: dict[str, Any]) -> dict[str, Any]:
    refused = {
        "413": "The body is too large.",
        "415": "The content is of another type.",
        "422": "What was sent cannot be read.",
    }
    return {
        "200": {"description": words, "content": {"application/json": {"schema": schema}}},
        **{
            status: {"description": said, "content": {"application/problem+json": {"schema": _PROBLEM}}}
            for status, said in refused.items()
        },
    }
