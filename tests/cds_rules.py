"""The rules of CDS Hooks 2.0.1 for responses, as a list that tests go through."""

from __future__ import annotations

from uuid import UUID

CARD = {"uuid", "summary", "detail", "indicator", "source", "suggestions", "selectionBehavior", "overrideReasons", "links"}
SOURCE = {"label", "url", "icon", "topic"}
LINK = {"label", "url", "type", "appContext"}
CODING = {"code", "system", "display"}


def _holds_nothing_empty(value):
    if isinstance(value, dict):
        return bool(value) and all(_holds_nothing_empty(inner) for inner in value.values())
    if isinstance(value, list):
        return bool(value) and all(_holds_nothing_empty(inner) for inner in value)
    return value is not None and value != ""


def _is_uuid(text):
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _absolute(url):
    return isinstance(url, str) and url.startswith(("https://", "http://")) and " " not in url


def _coding(value, *, display):
    return (
        isinstance(value, dict)
        and set(value) <= CODING
        and {"code", "system"} <= set(value)
        and (not display or value.get("display"))
    )


RULES = {
    "the body holds cards and at most systemActions": lambda body: "cards" in body and set(body) <= {"cards", "systemActions"},
    "cards is an array": lambda body: isinstance(body["cards"], list),
    "no attribute is null or empty, but cards": lambda body: all(_holds_nothing_empty(card) for card in body["cards"]),
    "a card has no attribute the specification lacks": lambda body: all(set(card) <= CARD for card in body["cards"]),
    "a card has summary, indicator and source": lambda body: all(
        {"summary", "indicator", "source"} <= set(card) for card in body["cards"]
    ),
    "a summary is one line of less than 140 characters": lambda body: all(
        isinstance(card["summary"], str) and 0 < len(card["summary"]) < 140 and "\n" not in card["summary"]
        for card in body["cards"]
    ),
    "an indicator is info or warning, never critical": lambda body: all(
        card["indicator"] in ("info", "warning") for card in body["cards"]
    ),
    "a uuid is one, and no two cards share it": lambda body: (
        all(_is_uuid(card["uuid"]) for card in body["cards"])
        and len({card["uuid"] for card in body["cards"]}) == len(body["cards"])
    ),
    "a detail is a text": lambda body: all(isinstance(card["detail"], str) for card in body["cards"]),
    "a source has a label and nothing unknown": lambda body: all(
        set(card["source"]) <= SOURCE and isinstance(card["source"]["label"], str) for card in body["cards"]
    ),
    "the address of a source is absolute": lambda body: all(
        _absolute(card["source"].get("url", "https://x")) for card in body["cards"]
    ),
    "a topic is a coding": lambda body: all(_coding(card["source"]["topic"], display=False) for card in body["cards"]),
    "override reasons are codings with a display": lambda body: all(
        _coding(reason, display=True) for card in body["cards"] for reason in card.get("overrideReasons", ())
    ),
    "no override reason stands twice on a card": lambda body: all(
        len({reason["code"] for reason in card.get("overrideReasons", ())}) == len(card.get("overrideReasons", ()))
        for card in body["cards"]
    ),
    "a link has label, url and type, and no appContext since none is of type smart": lambda body: all(
        set(link) == {"label", "url", "type"} and link["type"] == "absolute" and _absolute(link["url"])
        for card in body["cards"]
        for link in card.get("links", ())
    ),
    "suggestions and selectionBehavior come together": lambda body: all(
        ("suggestions" in card) == ("selectionBehavior" in card) for card in body["cards"]
    ),
}
"""What must hold, by its name."""


def broken(body):
    """The rules that a response does not keep."""
    return [name for name, keeps in RULES.items() if not keeps(body)]
