"""Changes that bytes choose: in bytes, and in JSON values with their structure in mind."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["Choices", "Odd", "changed_json", "patched", "places", "spliced"]

One = TypeVar("One")

_MOST_PATCHES = 8
_MOST_CHANGES = 12
_MOST_PLACES = 4000


class Choices:
    """Bytes as choices, taken from the front; zeros once they are used up, so that fewer bytes are a smaller case."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def number(self, size: int = 1) -> int:
        """An unsigned number of so many bytes."""
        return int.from_bytes(self.taken(size).ljust(size, b"\0"), "big")

    def of(self, things: Sequence[One]) -> One:
        """One of some things."""
        return things[self.number(1 if len(things) <= 256 else 2) % len(things)]

    def taken(self, size: int) -> bytes:
        """The next bytes, at most so many."""
        found = self._data[self._at : self._at + size]
        self._at += size
        return found

    def rest(self) -> bytes:
        """All that is left."""
        return self.taken(len(self._data))


def spliced(sound: bytes, data: bytes) -> bytes:
    """Sound bytes with a piece put in their place: two bytes say where, one how much gives way, the rest is put in."""
    if len(data) < 3:
        return data
    at = int.from_bytes(data[:2], "big") % (len(sound) + 1)
    return sound[:at] + data[3:] + sound[at + data[2] :]


def patched(sound: bytes, choices: Choices) -> bytes:
    """Sound bytes with some places changed: of each, two bytes say where, one how much gives way, one how much is put in."""
    for _ in range(_MOST_PATCHES):
        if not choices:
            break
        at = choices.number(2) % (len(sound) + 1)
        gone, size = choices.number(), choices.number()
        sound = sound[:at] + choices.taken(size) + sound[at + gone :]
    return sound


# ---------------------------------------------------------------------- JSON

Place = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Odd:
    """What changes put into a JSON value.

    Attributes:
        values: Values that may stand anywhere.
        keys: Names for members that are added or renamed.
        depths: How deep a node may be nested.
    """

    values: Sequence[object]
    keys: Sequence[str]
    depths: Sequence[int]


def places(root: object) -> list[Place]:
    """Every container and key of a value."""
    found: list[Place] = []
    waiting = [root]
    while waiting and len(found) < _MOST_PLACES:
        one = waiting.pop()
        if isinstance(one, (dict, list)):
            for key in list(one) if isinstance(one, dict) else range(len(one)):
                found.append((one, key))
                waiting.append(one[key])
    return found


def changed_json(root: object, choices: Choices, odd: Odd) -> Any:
    """A JSON value with nodes replaced, deleted, doubled, swapped, copied, nested, renamed, or their texts changed.

    Args:
        root: Is left as it is.
        choices: Say what is changed, where, and how often.
        odd: What is put in.
    """
    made: Any = {"root": copy.deepcopy(root)}
    try:
        for _ in range(_MOST_CHANGES):
            if not choices or len(found := places(made)) >= _MOST_PLACES:
                break
            _change(found, choices, odd)
    except RecursionError:
        # What is nested so deep cannot be copied; it is deep enough.
        pass
    return made["root"]


def _change(found: list[Place], choices: Choices, odd: Odd) -> None:
    """One change; the first place is that of the root, which stays."""
    act = choices.number() % 10
    holder, key = choices.of(found)
    if act == 0:
        holder[key] = copy.deepcopy(choices.of(odd.values))
    elif act == 1 and holder is not found[0][0]:
        del holder[key]
    elif act == 2:
        other, other_key = choices.of(found)
        holder[key] = copy.deepcopy(other[other_key])
    elif act == 3:
        holder[key] = _nested(holder[key], choices, odd)
    elif act == 4 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif act == 4:
        holder[key] = [holder[key], copy.deepcopy(holder[key])]
    elif act == 5 and isinstance(holder[key], dict):
        holder[key][choices.of(odd.keys)] = copy.deepcopy(choices.of(odd.values))
    elif act == 6 and isinstance(holder, dict) and holder is not found[0][0]:
        holder[choices.of(odd.keys)] = holder.pop(key)
    elif act == 7 and isinstance(holder[key], dict):
        holder[key] = list(holder[key].values())
    elif act in (8, 9):
        texts = [(one, at) for one, at in found if isinstance(one[at], str)]
        holder, key = choices.of(texts or found)
        given = choices.taken(choices.number() % 40)
        own = given.decode("latin-1") if act == 8 else given.decode("utf-8", "replace")
        holder[key] = own


def _nested(value: object, choices: Choices, odd: Odd) -> object:
    key, depth = choices.of([*odd.keys, None]), choices.of(odd.depths)
    for _ in range(depth):
        value = [value] if key is None else {key: value}
    return value
