"""A second engine for medicines: slow, obvious, and made from the tables' files alone.

It knows no index, no cost of slips, no rarity, no qualifiers. It reads the CSV files with the csv module, keeps all names in
one dictionary, tries every run of words, and compares a word with every name there is. What the real engine answers must
agree with it wherever this one has an opinion; where the real engine abstains it need not.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from pathlib import Path

from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

LETTERS_OR_NUMBER = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_][^\W_]*")
"""A word or a number. Apostrophes and dots inside words, which tables have in some names, are outside its reach."""


def plain_words(text: str) -> tuple[str, ...]:
    """The words of a text in lower case, without accents."""
    levelled = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return tuple(LETTERS_OR_NUMBER.findall("".join(char for char in levelled if not unicodedata.combining(char))))


class ReferenceEngine:
    """All names of medicines of a folder of tables in one dictionary."""

    def __init__(self, folder: Path) -> None:
        def rows(file: str) -> list[dict[str, str]]:
            with (folder / file).open(encoding="utf-8", newline="") as handle:
                return list(csv.DictReader(handle))

        self.names: dict[tuple[str, ...], frozenset[str]] = {}
        self.near_names: dict[str, set[frozenset[str]]] = {}
        self.words = {row["word"] for row in rows("words.csv")}
        self.ambiguous = {plain_words(row["name"]) for row in rows("ambiguous_names.csv") if row["kind"] == "drug"}
        self.classes = {row["id"] for row in rows("drug_classes.csv")}
        for file, concept, columns in (
            ("drugs.csv", "id", ("name", "synonyms", "brands", "abbreviations")),
            ("combinations.csv", "ingredients", ("synonyms", "brands")),
            ("drug_classes.csv", "id", ("name", "synonyms")),
        ):
            for row in rows(file):
                for column in columns:
                    for text in filter(None, row[column].split("|")):
                        self._add(text, frozenset(row[concept].split("|")), column == "abbreviations")
        self.squashed = sorted(self.near_names)

    def _add(self, text: str, concepts: frozenset[str], abbreviation: bool) -> None:
        if "'" in text or "." in text or "’" in text:
            return
        words = plain_words(text)
        self.names.setdefault(words, concepts)
        # Abbreviations, and names with a word of one letter ("Laveta-M"), are only ever read exactly.
        if not abbreviation and (len(words) == 1 or min(map(len, words), default=0) > 1):
            self.near_names.setdefault("".join(words), set()).add(concepts)

    def exact(self, text: str) -> set[str]:
        """The concepts of the names in a text: every run of words is tried, the one of most letters first."""
        words = plain_words(text)
        runs = [
            (start, end)
            for start in range(len(words))
            for end in range(start + 1, len(words) + 1)
            if words[start:end] in self.names
        ]
        runs.sort(key=lambda run: (-sum(map(len, words[run[0] : run[1]])), run))
        taken: set[int] = set()
        found: set[str] = set()
        for start, end in runs:
            if not taken.intersection(range(start, end)):
                taken.update(range(start, end))
                found |= self.names[words[start:end]]
        return found

    def nearest(self, texts: list[str], farthest: int) -> list[tuple[int, set[frozenset[str]]]]:
        """For each word the fewest edits to any name (one more than `farthest` if all are farther), and what these names mean."""
        answers: list[tuple[int, set[frozenset[str]]]] = []
        # Wide enough to keep the work in rapidfuzz, narrow enough to keep the table of distances in memory.
        for first in range(0, len(texts), 64):
            some = texts[first : first + 64]
            for distances in cdist(some, self.squashed, scorer=OSA.distance, score_cutoff=farthest):
                fewest = int(distances.min())
                nearest = (distances == fewest).nonzero()[0] if fewest <= farthest else ()
                answers.append((fewest, {concepts for index in nearest for concepts in self.near_names[self.squashed[index]]}))
        return answers
