"""JSON as others write it: a name twice in an object (Python drops one in silence), endless depth, half letters."""

from __future__ import annotations

from typing import Any

__all__ = ["TwiceError", "all_values", "deeper_than", "each_once", "whole_letters"]


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


def deeper_than(value: object, levels: int) -> bool:
    """Whether an array or object lies deeper than so many levels; level by level, since recursion would end there.

    Examples:
        >>> deeper_than({"a": [1]}, 2), deeper_than({"a": [1]}, 1)
        (False, True)
    """
    level: list[object] = [value]
    for _ in range(levels):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def whole_letters(text: str) -> str:
    r"""The text with a replacement character for each half of a surrogate pair, which no encoding can hold.

    Examples:
        >>> whole_letters("Lasix \ud83d\ude00 \ud83d")
        'Lasix 😀 �'
    """
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
