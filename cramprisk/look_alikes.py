"""Pairs of names that a slip may turn into each other: what a curator looks at before a name goes into the tables."""

from __future__ import annotations

from typing import Any, NamedTuple

from cramprisk.lexicon import Lexicon

__all__ = ["LookAlikePair", "look_alike_pairs"]


class LookAlikePair(NamedTuple):
    """Two names of different concepts within the radius of nearness.

    Attributes:
        edits: Letters inserted, left out, replaced or exchanged between the two.
        name: One name, folded and without spaces.
        concepts: What it stands for.
        near: The other name.
        near_concepts: What that stands for.
        listed: Whether ``look_alikes.csv`` lists their concepts as a pair.
    """

    edits: int
    name: str
    concepts: tuple[str, ...]
    near: str
    near_concepts: tuple[str, ...]
    listed: bool

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types."""
        return {
            "edits": self.edits,
            "name": self.name,
            "concepts": list(self.concepts),
            "near": self.near,
            "near_concepts": list(self.near_concepts),
            "listed": self.listed,
        }


def look_alike_pairs(lexicon: Lexicon, within: int = 1) -> list[LookAlikePair]:
    """Every pair of names of different concepts at most so many edits apart, and within the radius of nearness.

    The engine never decides between the two of a pair by nearness while a word is as few edits from both. Pairs come
    nearest first, then by name; each pair comes once.
    """
    found: list[LookAlikePair] = []
    for key in lexicon.near_keys():
        mine = lexicon.spelled(key)
        for near in lexicon.near_by_index(key):
            if near.edits > within:
                break
            if near.key <= key:
                continue
            for one in mine:
                for other in lexicon.spelled(near.key):
                    if set(one.concepts) != set(other.concepts):
                        listed = any(b in lexicon.look_alikes(a) for a in one.concepts for b in other.concepts)
                        found.append(LookAlikePair(near.edits, key, one.concepts, near.key, other.concepts, listed))
    return sorted(found)
