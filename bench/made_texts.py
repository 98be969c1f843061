"""Texts of medicines as lists hold them, made from the tables: any number of distinct ones, the same at every run."""

from __future__ import annotations

import random

from bench.vocabulary import SYLLABLES
from cramprisk.checker import Checker
from cramprisk.model import Kind, Method
from cramprisk.names import names_of

SHARES = {"slip": 0.08, "unknown": 0.03, "two medicines": 0.02}
"""Of the distinct texts: a letter typed wrong in the name, a name that nobody has, a cell with two entries."""
MISSING = 0.02
"""Of the rows of a column."""
COMMON = 0.7
"""Of the names: from those that stand on very many lists."""

STRENGTHS = """2.5 mg|5 mg|10 mg|12.5 mg|20 mg|25mg|40 MG|50 mg|75 mg|80mg|100 mg|150 MG|250 mg|300 mg|500 mg|850 mg|1 g|1000mg
|0.5 mg|0.25 mg/mL|5 mg/5 mL|10 MG/ML|100 mcg|25 mcg|50 mcg/actuation|0.1 %|1 %|5 %|100 units/mL|""".replace("\n", "").split("|")
FORMS = """tablet|tab|tabs|oral tablet|Oral Tablet|capsule|cap|caps|er tablet|XR|solution|oral solution|suspension|injection|inj
|cream|ointment|inhaler|HFA|eye drops|patch|""".replace("\n", "").split("|")
DIRECTIONS = """po qd|po bid|PO TID|once daily|twice a day|at bedtime|qhs|prn|PRN pain|1 tablet by mouth daily|take 1 tab po q6h
|2 puffs q4h prn|as directed|every morning|bid with meals|1-2 tabs q4-6h prn|nocte|mane||""".replace("\n", "").split("|")
CASES = (str.lower, str.lower, str.capitalize, str.upper)


def slip(name: str, chance: random.Random) -> str:
    """The name with one letter left out, doubled, replaced, or changed places with the next."""
    place = chance.randrange(len(name) - 1)
    here, after = name[place], name[place + 1]
    made = chance.choice(("", here * 2, chance.choice("abcdefghiklmnoprstuvyz")))
    return name[:place] + (after + here + name[place + 2 :] if chance.random() < 0.25 else made + name[place + 1 :])


def distinct_texts(count: int, seed: int = 1, *, tidy: bool = False) -> list[str]:
    """So many texts, each once, in an order that says nothing.

    Args:
        count: How many.
        seed: Another one gives other texts.
        tidy: Only names that stand on very many lists, rightly spelled, one in each text.
    """
    chance = random.Random(seed)
    tables = Checker.default().tables
    named = {row["id"]: row["name"] for row in tables.rows("drugs.csv")}
    common = [named.get(row["name"], row["name"]) for row in tables.rows("common_names.csv")]
    every = sorted({name.text for name in names_of(tables, Kind.DRUG) if name.method is not Method.ABBREVIATION})
    every = common if tidy else [name for name in every if len(name) > 3]
    made: dict[str, None] = {}

    def entry(kind: float) -> str:
        name = chance.choice(common if chance.random() < COMMON else every)
        if kind < SHARES["slip"]:
            name = slip(name, chance)
        elif kind < SHARES["slip"] + SHARES["unknown"]:
            name = "".join(chance.choices(SYLLABLES, k=4))
        words = (chance.choice(CASES)(name), chance.choice(STRENGTHS), chance.choice(FORMS), chance.choice(DIRECTIONS))
        return " ".join(filter(None, words))

    while len(made) < count:
        kind = 0.5 if tidy else chance.random()
        two = kind > 1 - SHARES["two medicines"]
        made["; ".join(entry(kind) for _ in range(1 + two))] = None
    return list(made)
