"""Objects of JSON in which a name comes twice. Python takes the last value, and drops the others without a word."""

from __future__ import annotations

from typing import Any

__all__ = ["TwiceError", "all_values", "each_once"]


class TwiceError(ValueError):
    """A name comes twice in one object of JSON."""


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, for ``object_pairs_hook``.

    Raises:
        TwiceError: A name comes twice.

    Examples:
        >>> import json
        >>> json.loads('{"drug": "Lasix", "drug": "quinine"}', object_pairs_hook=each_once)
        Traceback (most recent call last):
            ...
        cramprisk.json_objects.TwiceError
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        raise TwiceError
    return made


def all_values(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, for ``object_pairs_hook``; under a name with several different values stands the list of them.

    Lists are put together to one.

    Examples:
        >>> import json
        >>> json.loads('{"text": "Lasix", "text": "quinine", "id": 1, "id": 1}', object_pairs_hook=all_values)
        {'text': ['Lasix', 'quinine'], 'id': 1}
    """
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    several: dict[str, list[Any]] = {}
    for name, value in pairs:
        values = several.setdefault(name, [])
        if value not in values:
            values.append(value)
    return {name: _together(values) for name, values in several.items()}


def _together(values: list[Any]) -> Any:
    if len(values) == 1:
        return values[0]
    return [one for value in values for one in value] if all(isinstance(value, list) for value in values) else values
