"""The values that pass between the layers: frozen, slotted, comparable, and nothing else.

Scores are floats from 0 to 100 everywhere. Ids are the stable slugs of the tables (``hydrochlorothiazide``,
``loop-diuretics``, ``type-2-diabetes``). Absent is ``None`` or a status, never a magic string.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NoReturn


class Kind(StrEnum):
    """What an entry is read as."""

    DRUG = "drug"
    CONDITION = "condition"


class Status(StrEnum):
    """What came of reading one entry."""

    MATCHED = "matched"
    AMBIGUOUS = "ambiguous"
    UNRECOGNISED = "unrecognised"
    EMPTY = "empty"


class Method(StrEnum):
    """How a name was found: by which column of the tables, or by nearness."""

    CODE = "code"
    NAME = "name"
    SYNONYM = "synonym"
    BRAND = "brand"
    ABBREVIATION = "abbreviation"
    COMBINATION = "combination"
    CLASS = "class"
    NEAR = "near"


class Qualifier(StrEnum):
    """What the words around a name say about it. A mention without one is taken as present."""

    NEGATED = "negated"
    UNCERTAIN = "uncertain"
    FAMILY = "family"
    HISTORY = "history"
    ALLERGY = "allergy"
    STOPPED = "stopped"
    PLANNED = "planned"
    PREVENTION = "prevention"


class Timing(StrEnum):
    """How a medicine's days stand to the day the cramps began."""

    BEFORE = "started-before"
    AFTER = "started-after"
    STOPPED = "stopped-before"
    UNKNOWN = "unknown"

    @property
    def words(self) -> str:
        """The same as a report prints it."""
        return _TIMING_WORDS[self]


_TIMING_WORDS = {
    Timing.BEFORE: "started before the cramps began, or on that day",
    Timing.AFTER: "started after the cramps began",
    Timing.STOPPED: "stopped before the cramps began",
    Timing.UNKNOWN: "not known whether it was started before the cramps began",
}


class Direction(StrEnum):
    """Which way an association points."""

    INCREASES = "increases"
    RELIEVES = "relieves"
    NEUTRAL = "neutral"


class Grade(StrEnum):
    """How good the evidence is; ``docs/evidence.md`` defines each grade.

    A, B, C and D grade an association with cramps, strongest first. TA, TB, TC, TN and AVOID grade relief:
    several trials, one trial, uncontrolled, shown not to help, and works but an authority says not to use it.
    """

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    TA = "TA"
    TB = "TB"
    TC = "TC"
    TN = "TN"
    AVOID = "AVOID"

    @property
    def rank(self) -> int:
        """Position for sorting: 0 is the strongest of its family."""
        return _GRADE_RANK[self]

    @property
    def words(self) -> str:
        """The grade in words, as a report prints it."""
        return _GRADE_WORDS[self]


_GRADE_RANK = {grade: rank for rank, grade in enumerate((Grade.A, Grade.B, Grade.C, Grade.D))} | {
    grade: rank for rank, grade in enumerate((Grade.AVOID, Grade.TA, Grade.TB, Grade.TC, Grade.TN))
}
_GRADE_WORDS = {
    Grade.A: "controlled or population data",
    Grade.B: "a rate in a label or trial, or a borderline estimate",
    Grade.C: "listed in a review or label without a figure, or a mechanism only",
    Grade.D: "claimed, but not supported by the best data",
    Grade.TA: "several controlled trials",
    Grade.TB: "one or small controlled trial, or one population only",
    Grade.TC: "uncontrolled or expert opinion only",
    Grade.TN: "shown not to help",
    Grade.AVOID: "may work, but an authority advises against its use for cramps",
}


@dataclass(frozen=True, slots=True)
class Mention:
    """One name found in an entry, and how.

    Attributes:
        concepts: Ids it stands for: one, or all the ingredients of a combination.
        matched_text: The words of the entry, as written.
        name: The spelling in the tables that they were matched to.
        table: File and column of that spelling, for example ``drugs.csv brands``.
        method: How it was found.
        score: 0-100; 100 for an exact name or code, less for nearness.
        start: Index of the first character in the entry.
        end: Index after the last character in the entry.
        qualifier: What the words around it say, or None for plainly present.
        route: Where a medicine is applied when the entry says so (``oral``, ``inhaled``, ``topical``,
            ``ophthalmic``, ``otic``, ``nasal``, ``vaginal``, ``rectal``, ``injected``), else None.
    """

    concepts: tuple[str, ...]
    matched_text: str
    name: str
    table: str
    method: Method
    score: float
    start: int
    end: int
    qualifier: Qualifier | None = None
    route: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A concept that an entry might mean, offered when nothing was decided, or the runner-up when it was.

    Attributes:
        concepts: Ids it would stand for.
        name: The spelling in the tables.
        score: Nearness to the entry's words, 0-100.
        reason: Why it was not taken, in words.
    """

    concepts: tuple[str, ...]
    name: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Match:
    """What one entry was understood to say.

    Attributes:
        text: The entry as given.
        kind: What it was read as.
        status: ``matched`` when at least one concept was found, ``ambiguous`` when the words have several possible
            meanings, ``unrecognised`` when nothing was found, ``empty`` when there was nothing to read.
        concepts: Ids of what the entry is about, in order of appearance, without repeats. Whether each is present,
            negated, in the family… stands in `mentions`. A disease that is only to be *prevented* is not in it.
        mentions: Every name found, with its qualifier and how it was found.
        candidates: What undecided words might mean, nearest first; also runners-up of a near match.
        not_understood: Words of the entry that look like a name and were not resolved.
    """

    text: str
    kind: Kind
    status: Status
    concepts: tuple[str, ...] = ()
    mentions: tuple[Mention, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    not_understood: tuple[str, ...] = ()

    @property
    def method(self) -> Method | None:
        """How the first name was found, or None."""
        return self.mentions[0].method if self.mentions else None

    @property
    def matched_text(self) -> str | None:
        """The words of the first name found, as written, or None."""
        return self.mentions[0].matched_text if self.mentions else None

    @property
    def score(self) -> float:
        """0-100: the lowest score among the names found; 0.0 when none was."""
        return min((mention.score for mention in self.mentions), default=0.0)

    @property
    def qualifier(self) -> Qualifier | None:
        """The qualifier when all mentions share one, else None; look at `mentions` for each."""
        found = {mention.qualifier for mention in self.mentions}
        return found.pop() if len(found) == 1 else None

    @property
    def complete(self) -> bool:
        """Whether nothing in the entry was left undecided."""
        return self.status in (Status.MATCHED, Status.EMPTY) and not self.not_understood

    def present(self) -> tuple[str, ...]:
        """Ids that the entry says the person has or takes now; uncertain mentions count, negated ones do not."""
        kept = (None, Qualifier.UNCERTAIN)
        return tuple(
            dict.fromkeys(concept for mention in self.mentions if mention.qualifier in kept for concept in mention.concepts)
        )

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types."""
        return {
            "text": self.text,
            "kind": self.kind.value,
            "status": self.status.value,
            "concepts": list(self.concepts),
            "present": list(self.present()),
            "method": self.method.value if self.method else None,
            "matched_text": self.matched_text,
            "score": round(self.score, 1),
            "qualifier": self.qualifier.value if self.qualifier else None,
            "mentions": [
                {
                    "concepts": list(mention.concepts),
                    "matched_text": mention.matched_text,
                    "name": mention.name,
                    "table": mention.table,
                    "method": mention.method.value,
                    "score": round(mention.score, 1),
                    "start": mention.start,
                    "end": mention.end,
                    "qualifier": mention.qualifier.value if mention.qualifier else None,
                    "route": mention.route,
                }
                for mention in self.mentions
            ],
            "candidates": [
                {
                    "concepts": list(candidate.concepts),
                    "name": candidate.name,
                    "score": round(candidate.score, 1),
                    "reason": candidate.reason,
                }
                for candidate in self.candidates
            ],
            "not_understood": list(self.not_understood),
            "complete": self.complete,
        }

    def __bool__(self) -> NoReturn:
        raise TypeError("a Match has no truth value: look at its status")


@dataclass(frozen=True, slots=True)
class Concept:
    """One row of the tables that can be the answer: a medicine, a class of medicines, or a condition.

    Attributes:
        id: Stable slug.
        name: Preferred name.
        kind: ``drug``, ``class`` or ``condition``.
        parents: Ids it belongs to: the classes of a medicine, the wider class, the wider conditions.
        codes: Pairs of system (``rxcui``, ``atc``, ``icd10cm``, ``snomed``) and code.
        group: For conditions their kind (disease, habit, differential…); empty for medicines.
    """

    id: str
    name: str
    kind: str
    parents: tuple[str, ...] = ()
    codes: tuple[tuple[str, str], ...] = ()
    group: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One citation. `pmid` and `doi` are None where they were not seen."""

    id: str
    kind: str
    citation: str
    year: int | None
    pmid: str | None
    doi: str | None

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types."""
        return {
            "id": self.id,
            "kind": self.kind,
            "citation": self.citation,
            "year": self.year,
            "pmid": self.pmid,
            "doi": self.doi,
        }


@dataclass(frozen=True, slots=True)
class Association:
    """One finding about one subject, as its source reports it.

    Attributes:
        id: Stable slug of the row.
        subject: Id of a medicine, class or condition (or several for a product, joined by ``+``).
        direction: Which way the finding points; ``neutral`` rows are counter-evidence or context.
        grade: How good the evidence is.
        outcome: What was counted, exactly (leg cramps, new quinine prescription, any muscle pain…).
        measure: What the figure is (adjusted sequence ratio, odds ratio…); empty when there is no figure.
        value: The figure, or None.
        ci_low: Lower end of the interval the source gives, or None.
        ci_high: Upper end, or None.
        rate: Share with the outcome, in per cent, as text because sources give ranges (``1-3``); None if not given.
        comparator: The same share in the comparison group, in per cent, or None.
        population: Who was studied.
        source: The citation.
        note: What a reader must know beside the figure.
    """

    id: str
    subject: str
    direction: Direction
    grade: Grade
    outcome: str
    measure: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    rate: str | None
    comparator: str | None
    population: str
    source: Source
    note: str

    def figure(self) -> str:
        """The figure with its interval and what it measures, in words; empty when the source gives none.

        Examples:
            >>> from cramprisk import Checker
            >>> flag = Checker.default().check(["salmeterol"]).flags[0]
            >>> flag.best().figure()
            'adjusted sequence ratio 2.42 (2.02-2.89)'
        """
        parts = []
        if self.value is not None:
            text = f"{self.measure} {self.value:g}"
            if self.ci_low is not None and self.ci_high is not None:
                # "-0.84-0.49" would be read as two negative numbers, and so as an effect.
                to = " to " if self.ci_low < 0 or self.ci_high < 0 else "-"
                text += f" ({self.ci_low:g}{to}{self.ci_high:g})"
            parts.append(text)
        if self.rate is not None:
            text = f"{self.rate} %"
            if self.comparator is not None:
                text += f" against {self.comparator} %"
            parts.append(text)
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types."""
        return {
            "id": self.id,
            "subject": self.subject,
            "direction": self.direction.value,
            "grade": self.grade.value,
            "outcome": self.outcome,
            "measure": self.measure or None,
            "value": self.value,
            "ci_low": self.ci_low,
            "ci_high": self.ci_high,
            "rate_pct": self.rate,
            "comparator_pct": self.comparator,
            "population": self.population or None,
            "figure": self.figure() or None,
            "source": self.source.to_dict(),
            "note": self.note or None,
        }


@dataclass(frozen=True, slots=True)
class Interaction:
    """Two subjects that matter together."""

    id: str
    subjects: tuple[str, ...]
    effect: str
    source: Source
    note: str

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types."""
        return {
            "id": self.id,
            "subjects": list(self.subjects),
            "effect": self.effect,
            "source": self.source.to_dict(),
            "note": self.note or None,
        }


@dataclass(frozen=True, slots=True)
class Flag:
    """One subject of the list that is associated with cramps, or with their relief.

    Attributes:
        subject: The concept that was found on the list.
        direction: ``increases`` or ``relieves``; ``neutral`` for differentials and the outcome itself.
        grade: The best grade among the rows that point in that direction.
        contested: Whether other rows of the same subject (or of its class) point elsewhere or show no excess.
        evidence: The rows in that direction, strongest first, own rows before inherited ones.
        against: The rows that contest it.
        inherited_from: Ids of the classes or wider conditions whose rows are among the evidence.
        entries: Indices into ``Report.matches`` of the entries that led here.
        cautions: Sentences a reader must see beside the flag (route, authority warnings).
        uncertain: Whether every entry that led here was marked as uncertain.
        timing: How the medicine's days stand to the day the cramps began; None when that day was not given.
        context: What about the person led here (``age 72``); empty when only entries did.
    """

    subject: Concept
    direction: Direction
    grade: Grade
    contested: bool
    evidence: tuple[Association, ...]
    against: tuple[Association, ...]
    inherited_from: tuple[str, ...]
    entries: tuple[int, ...]
    cautions: tuple[str, ...] = ()
    uncertain: bool = False
    timing: Timing | None = None
    context: str = ""

    def best(self) -> Association:
        """The row to show where there is room for one: of the best grade, with a figure, with a comparison if there is one."""
        return min(
            self.evidence,
            key=lambda row: (row.grade.rank, row.value is None, row.rate is None, row.comparator is None),
        )

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types."""
        return {
            "subject": {"id": self.subject.id, "name": self.subject.name, "kind": self.subject.kind},
            "direction": self.direction.value,
            "grade": self.grade.value,
            "grade_words": self.grade.words,
            "contested": self.contested,
            "uncertain": self.uncertain,
            "evidence": [row.to_dict() for row in self.evidence],
            "against": [row.to_dict() for row in self.against],
            "inherited_from": list(self.inherited_from),
            "entries": list(self.entries),
            "cautions": list(self.cautions),
            "timing": self.timing.value if self.timing else None,
            "context": self.context or None,
        }


@dataclass(frozen=True, slots=True)
class FoundInteraction:
    """An interaction whose subjects are all on the list, with the entries that led there."""

    interaction: Interaction
    entries: tuple[int, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types."""
        return self.interaction.to_dict() | {"entries": list(self.entries)}
