"""From entries to flags: matches joined to the associations of what they name, of its classes, and of pairs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from functools import cache, cached_property
from math import isnan
from pathlib import Path

from cramprisk.context import Context, Medicine, timing
from cramprisk.errors import InputError, TableError
from cramprisk.lexicon import Lexicon
from cramprisk.matcher import Matcher
from cramprisk.model import (
    Association,
    Concept,
    Direction,
    Flag,
    FoundInteraction,
    Grade,
    Interaction,
    Kind,
    Match,
    Mention,
    Qualifier,
    Source,
)
from cramprisk.report import Report
from cramprisk.tables import Row, Tables, digest_of, read_tables

__all__ = ["LOCAL_ROUTES", "Checker", "flag_order", "load_tables", "present_mentions"]

_PRESENT = (None, Qualifier.UNCERTAIN)
# A disease of the past that is recorded at all is usually a disease for life (diabetes, neuropathy); it is shown, as
# uncertain. A medicine of the past is not taken now and is not flagged.
_PRESENT_CONDITION = (None, Qualifier.UNCERTAIN, Qualifier.HISTORY)
LOCAL_ROUTES = ("topical", "ophthalmic", "otic", "nasal", "vaginal", "rectal")
_DOUBT = "The entry marks it as uncertain or as past."
_DIRECTION_ORDER = {Direction.INCREASES: 0, Direction.RELIEVES: 1, Direction.NEUTRAL: 2}
_CRAMP_GRADES = (Grade.A, Grade.B, Grade.C, Grade.D)


def load_tables(
    folder: Path | str | None = None, *, extra: Path | str | None = None, vocabulary: Path | str | None = None
) -> Tables:
    """The tables of this installation, or those in a folder, read and checked.

    Args:
        folder: A folder that holds all table files; None for the tables that ship with the package.
        extra: A folder with names of the user's own, laid over the tables (:mod:`cramprisk.overlay`).
        vocabulary: A file that ``cramprisk vocab import`` made of an RxNorm release. What the tables do not know is
            looked up there.

    Raises:
        TableError: The tables have problems; all of them are in its ``problems``.
        VocabularyError: The vocabulary file cannot be used.

    Examples:
        >>> load_tables().version[:3]
        '202'
    """
    tables = read_tables(folder)
    if extra is not None:
        from cramprisk.overlay import overlaid

        tables = overlaid(tables, extra)
    if not tables.checked or extra is not None:
        from cramprisk.table_check import table_problems

        problems = table_problems(tables)
        if problems:
            raise TableError(problems)
    if vocabulary is not None:
        from cramprisk.vocabulary import read_vocabulary

        found = read_vocabulary(vocabulary)
        digest = digest_of({"tables": tables.digest.encode(), "vocabulary": found.digest.encode()})
        tables = replace(tables, vocabulary=found, version=f"{tables.version}+rxnorm", digest=digest)
    return tables


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _source(row: Row) -> Source:
    return Source(
        row["id"],
        row["kind"],
        row["citation"],
        int(row["year"]) if row["year"] else None,
        row["pmid"] or None,
        row["doi"] or None,
    )


def _association(row: Row, sources: dict[str, Source]) -> Association:
    return Association(
        row["id"],
        row["subject"],
        Direction(row["direction"]),
        Grade(row["grade"]),
        row["outcome"],
        row["measure"],
        _number(row["value"]),
        _number(row["ci_low"]),
        _number(row["ci_high"]),
        row["rate_pct"] or None,
        row["comparator_pct"] or None,
        row["population"],
        sources[row["source"]],
        row["note"],
    )


class Checker:
    """Reads lists against one set of tables. Built once, immutable, shared between threads.

    Args:
        tables: From :func:`load_tables`.
        remember: How many entries of each kind to keep with their matches, those read last, for a program that answers
            request after request. They stay in memory until newer ones take their place; 0, the default, keeps none.

    Examples:
        >>> checker = Checker.default()
        >>> [flag.subject.id for flag in checker.check(["HCTZ 25mg po qd"]).flags]
        ['hydrochlorothiazide']
    """

    def __init__(self, tables: Tables, *, remember: int = 0) -> None:
        self.tables = tables
        self.remember = remember
        self._known_rows: dict[tuple[Kind, str], tuple[tuple[str, Association], ...]] = {}

    @staticmethod
    @cache
    def default() -> Checker:
        """The checker over the tables that ship with the package; the same object every time."""
        return Checker(load_tables())

    # ------------------------------------------------------------------ parts, each built when first needed

    @cached_property
    def drugs(self) -> Matcher:
        """The engine for medicines."""
        return Matcher(Lexicon(self.tables, Kind.DRUG), remember=self.remember)

    @cached_property
    def conditions(self) -> Matcher:
        """The engine for conditions."""
        return Matcher(Lexicon(self.tables, Kind.CONDITION), remember=self.remember)

    def matcher(self, kind: Kind) -> Matcher:
        """The engine for one kind."""
        return self.drugs if kind is Kind.DRUG else self.conditions

    @cached_property
    def sources(self) -> dict[str, Source]:
        """Citations by id."""
        return {row["id"]: _source(row) for row in self.tables.rows("sources.csv")}

    @cached_property
    def associations(self) -> dict[tuple[str, str], tuple[Association, ...]]:
        """Findings by subject kind (``drug``, ``class``, ``product``, ``condition``) and subject, strongest first."""
        found: dict[tuple[str, str], list[Association]] = {}
        for row in self.tables.rows("associations.csv"):
            found.setdefault((row["subject_kind"], row["subject"]), []).append(_association(row, self.sources))
        return {key: tuple(sorted(rows, key=_strength)) for key, rows in found.items()}

    @cached_property
    def interactions(self) -> tuple[Interaction, ...]:
        """Pairs that matter together, in table order."""
        return tuple(
            Interaction(row["id"], tuple(row["subjects"].split("|")), row["effect"], self.sources[row["source"]], row["note"])
            for row in self.tables.rows("interactions.csv")
        )

    def concept(self, concept: str) -> Concept | None:
        """The medicine, class or condition with an id, or None."""
        return self.drugs.lexicon.concepts.get(concept) or self.conditions.lexicon.concepts.get(concept)

    # ------------------------------------------------------------------ reading

    def normalize(self, text: str | None, kind: Kind | str = Kind.DRUG) -> Match:
        """What one entry says.

        Args:
            text: The entry as written; None reads as empty.
            kind: ``drug`` or ``condition``.

        Returns:
            A match; unknown text comes back as ``unrecognised``, never as an error.

        Raises:
            InputError: `text` is not a text, or `kind` is not a kind.
        """
        return self.normalize_many([text], kind)[0]

    def normalize_many(self, texts: Iterable[str | None], kind: Kind | str = Kind.DRUG) -> list[Match]:
        """What each entry says, in order; equal entries are read once.

        Raises:
            InputError: An entry is not a text; the message gives its position, counted from 1.
        """
        return self.matcher(_kind(kind)).match_many(_texts(texts))

    def split(self, text: str, kind: Kind | str = Kind.DRUG) -> list[str]:
        """The entries of a list typed on one line or on several.

        Examples:
            >>> Checker.default().split("hctz, lipitor 20; Estrogens, conjugated")
            ['hctz', 'lipitor 20', 'Estrogens, conjugated']
        """
        return self.matcher(_kind(kind)).split(text)

    # ------------------------------------------------------------------ the report

    def check(
        self,
        drugs: str | Iterable[str | Medicine | None] = (),
        conditions: str | Iterable[str | None] = (),
        *,
        age: float | None = None,
        sex: str | None = None,
        pregnant_weeks: float | None = None,
        cramps_since: date | str | None = None,
    ) -> Report:
        """Which entries are associated with cramps, or with their relief, and which were not understood.

        Args:
            drugs: Medicines as written: a list of entries, or one text that is split into entries. An entry that
                itself is a list ("hctz, lipitor 20") is split too.
            conditions: Conditions, likewise.
            age: In years. From 60 on it is a risk factor of its own.
            sex: ``female``, ``male``, ``other`` or ``unknown``.
            pregnant_weeks: Completed weeks. From the second trimester on pregnancy is flagged.
            cramps_since: The day the cramps began. With the days of a :class:`~cramprisk.context.Medicine` it says
                beside a flag whether the medicine was begun before.

        Raises:
            InputError: An entry is not a text, or a value about the person is impossible; the message says where.

        Examples:
            >>> report = Checker.default().check(
            ...     [Medicine("hctz", start="2026-01-05")], age=72, cramps_since="2026-03-01"
            ... )
            >>> [(flag.subject.id, flag.context, flag.timing and flag.timing.value) for flag in report.risks]
            [('age-60-or-over', 'age 72', None), ('hydrochlorothiazide', '', 'started-before')]
        """
        context = Context.of(age, sex, pregnant_weeks, cramps_since)
        matches: list[Match] = []
        days: list[Medicine | None] = []
        for kind, given in ((Kind.DRUG, drugs), (Kind.CONDITION, conditions)):
            entries = _entries([given] if isinstance(given, str) else given, kind)
            if not entries:
                continue
            matcher = self.matcher(kind)
            parts = [(part, medicine) for text, medicine in entries for part in (matcher.split(text) or [text])]
            matches += matcher.match_list([part for part, _ in parts])
            days += [medicine for _, medicine in parts]
        return self.report(matches, context=context, days=days)

    def report(self, matches: Sequence[Match], *, context: Context | None = None, days: Sequence[Medicine | None] = ()) -> Report:
        """The report over entries that were read already.

        Args:
            matches: One per entry.
            context: What is known about the person.
            days: For each match the medicine with its days, or None; none at all if there are no days.
        """
        context = context or Context()
        present: dict[tuple[Kind, str], list[tuple[int, bool, str | None]]] = {}
        for index, match in enumerate(matches):
            for mention in present_mentions(match):
                for concept in mention.concepts:
                    present.setdefault((match.kind, concept), []).append((index, mention.qualifier is not None, mention.route))
        said = dict(context.factors())
        for concept in said:
            if concept in self.conditions.lexicon.concepts:
                present.setdefault((Kind.CONDITION, concept), [])
        flags = [
            replace(flag, context=said.get(concept, "")) if kind is Kind.CONDITION and concept in said else flag
            for (kind, concept), places in present.items()
            for flag in self._flags(kind, concept, places)
        ]
        flags += self._product_flags(matches)
        if context.cramps_since is not None:
            flags = [self._timed(flag, matches, days, context.cramps_since) for flag in flags]
        flags.sort(key=flag_order)
        return Report(
            tuple(flags),
            tuple(self._interactions(present)),
            tuple(matches),
            self.tables.version,
            self.tables.digest,
            context,
        )

    @staticmethod
    def _timed(flag: Flag, matches: Sequence[Match], days: Sequence[Medicine | None], since: date) -> Flag:
        entries = [index for index in flag.entries if matches[index].kind is Kind.DRUG]
        if not entries:
            return flag
        return replace(flag, timing=timing([days[index] if index < len(days) else None for index in entries], since))

    def evidence(self, kind: Kind, concept: str) -> tuple[list[Association], list[tuple[str, Association]]]:
        """The findings about a concept: its own, and those of what it belongs to with the id of the latter.

        Findings of a wider class from a source that speaks about a narrower one in the same direction are left out.
        """
        lexicon = self.matcher(kind).lexicon
        found = lexicon.concepts.get(concept)
        if found is None:
            return [], []
        own = list(self.associations.get((found.kind, concept), ()))
        inherited: list[tuple[str, Association]] = []
        # A study that measured the narrower class as well as the wider one is heard once, about the narrower:
        # loop diuretics are graded B by the same data that grade all diuretics together A.
        heard = {(row.source.id, row.direction) for row in own}
        for wider in lexicon.ancestors(concept):
            rows = self.associations.get((lexicon.concepts[wider].kind, wider), ())
            inherited += [(wider, row) for row in rows if (row.source.id, row.direction) not in heard]
            heard |= {(row.source.id, row.direction) for row in rows}
        return own, inherited

    def _rows(self, kind: Kind, concept: str) -> tuple[tuple[str, Association], ...]:
        """The findings about a concept with the id of the class they are inherited from; kept, as there are few concepts.

        A class's claim does not outlive its members' own data in the other direction: diltiazem relieves whatever
        "antihypertensives" may do. Own rows come first; inherited ones only add.
        """
        known = self._known_rows.get((kind, concept))
        if known is None:
            own, inherited = self.evidence(kind, concept)
            known = self._known_rows[kind, concept] = (*(("", row) for row in own), *inherited)
        return known

    def _flags(self, kind: Kind, concept: str, places: Sequence[tuple[int, bool, str | None]]) -> list[Flag]:
        rows = self._rows(kind, concept)
        if not rows:
            return []
        subject = self.matcher(kind).lexicon.concepts[concept]
        entries = tuple(dict.fromkeys(index for index, _, _ in places))
        uncertain = bool(places) and all(doubt for _, doubt, _ in places)
        cautions = _route_caution([route for _, _, route in places]) if kind is Kind.DRUG else ()
        if uncertain:
            cautions = (*cautions, _DOUBT)
        made: list[Flag] = []
        for direction in (Direction.INCREASES, Direction.RELIEVES):
            pointing = [(wider, row) for wider, row in rows if row.direction is direction]
            if not pointing:
                continue
            if direction is Direction.INCREASES:
                against = [row for _, row in rows if row.direction is Direction.NEUTRAL and row.grade in _CRAMP_GRADES]
            else:
                against = [row for _, row in pointing if row.grade in (Grade.TN, Grade.D)] if len(pointing) > 1 else []
                against = [row for row in against if any(other.grade not in (Grade.TN, Grade.D) for _, other in pointing)]
            opposite = Direction.RELIEVES if direction is Direction.INCREASES else Direction.INCREASES
            against += [row for _, row in rows if row.direction is opposite and row not in against]
            evidence = [row for _, row in pointing if row not in against]
            made.append(
                Flag(
                    subject,
                    direction,
                    min((row.grade for row in evidence), key=lambda grade: grade.rank),
                    bool(against),
                    tuple(evidence),
                    tuple(against),
                    tuple(dict.fromkeys(wider for wider, row in pointing if wider and row in evidence)),
                    entries,
                    (*cautions, *_warnings(evidence)) if direction is Direction.RELIEVES else cautions,
                    uncertain,
                )
            )
        shown = {row.id for flag in made for row in (*flag.evidence, *flag.against)}
        neutral = [(wider, row) for wider, row in rows if row.id not in shown]
        if neutral:
            made.append(
                Flag(
                    subject,
                    Direction.NEUTRAL,
                    min((row.grade for _, row in neutral), key=lambda grade: grade.rank),
                    False,
                    tuple(row for _, row in neutral),
                    (),
                    tuple(dict.fromkeys(wider for wider, _ in neutral if wider)),
                    entries,
                    cautions,
                    uncertain,
                )
            )
        return made

    def _product_flags(self, matches: Sequence[Match]) -> list[Flag]:
        """Findings about a product as a whole ("ipratropium+salbutamol", "LABA with corticosteroid")."""
        made: list[Flag] = []
        products = [(subject, rows) for (kind, subject), rows in self.associations.items() if kind == "product"]
        named: list[tuple[int, list[Mention], set[str]]] = []
        for index, match in enumerate(matches):
            if match.kind is Kind.DRUG:
                present = [mention for mention in match.mentions if mention.qualifier in _PRESENT]
                concepts = {concept for mention in present for concept in mention.concepts}
                # A product has several parts, so an entry of one medicine is none.
                if len(concepts) > 1:
                    wider = (one for concept in concepts for one in self.drugs.lexicon.ancestors(concept))
                    named.append((index, present, concepts.union(wider)))
        for subject, rows in products if named else ():
            lexicon = self.drugs.lexicon
            parts = subject.split("+")
            places: list[tuple[int, bool, str | None]] = [
                (index, any(mention.qualifier is not None for mention in present), present[0].route)
                for index, present, meant in named
                if all(part in meant for part in parts)
            ]
            if places:
                name = " + ".join(lexicon.concepts[part].name for part in parts)
                uncertain = all(doubt for _, doubt, _ in places)
                cautions = _route_caution([route for _, _, route in places])
                if uncertain:
                    cautions = (*cautions, _DOUBT)
                made.append(
                    Flag(
                        Concept(subject, name, "product"),
                        rows[0].direction,
                        rows[0].grade,
                        False,
                        rows,
                        (),
                        (),
                        tuple(index for index, _, _ in places),
                        cautions,
                        uncertain,
                    )
                )
        return made

    def _interactions(self, present: dict[tuple[Kind, str], list[tuple[int, bool, str | None]]]) -> Iterable[FoundInteraction]:
        meant: dict[str, set[tuple[Kind, str]]] = {}
        for kind, concept in present:
            for wider in (concept, *self.matcher(kind).lexicon.ancestors(concept)):
                meant.setdefault(wider, set()).add((kind, concept))
        for interaction in self.interactions:
            sides = [meant.get(subject, set()) for subject in interaction.subjects]
            if all(sides) and len(set().union(*sides)) >= len(sides):
                entries = sorted({index for side in sides for key in side for index, _, _ in present[key]})
                yield FoundInteraction(interaction, tuple(entries))


def _kind(kind: Kind | str) -> Kind:
    try:
        return Kind(kind)
    except ValueError:
        raise InputError('kind: must be "drug" or "condition".') from None


def _entries(given: Iterable[object], kind: Kind) -> list[tuple[str, Medicine | None]]:
    """The entries as texts, those of medicines with the days that were given."""
    if isinstance(given, (bytes, bytearray)) or not isinstance(given, Iterable):
        return [(text, None) for text in _texts(given)]
    items = list(given)
    days = [item if isinstance(item, Medicine) and kind is Kind.DRUG else None for item in items]
    texts = _texts([item.text if isinstance(item, Medicine) and kind is Kind.DRUG else item for item in items])
    return list(zip(texts, days, strict=True))


def _texts(given: Iterable[object]) -> list[str]:
    """The entries as texts; None and the NaN of a data frame become empty."""
    if isinstance(given, (bytes, bytearray)):
        raise InputError("expected a list of texts, got bytes. Decode them first, for example with .decode('utf-8').")
    try:
        entries = list(given)
    except TypeError:
        raise InputError(f"expected a list of texts, got {type(given).__name__}.") from None
    texts = []
    for position, entry in enumerate(entries, start=1):
        if isinstance(entry, str):
            texts.append(str(entry))
        elif entry is None or (isinstance(entry, float) and isnan(entry)) or type(entry).__name__ in ("NAType", "NaTType"):
            texts.append("")
        elif isinstance(entry, (bytes, bytearray)):
            raise InputError(f"entry {position}: expected text, got bytes. Decode it first, for example with .decode('utf-8').")
        else:
            raise InputError(f"entry {position}: expected text, got {type(entry).__name__}.")
    return texts


def _strength(row: Association) -> tuple[int, float, bool, str]:
    return (row.grade.rank, -(row.value or 0.0), row.comparator is None, row.id)


def present_mentions(match: Match) -> list[Mention]:
    """What an entry says the person has or takes now; that, and nothing else of it, is flagged."""
    allowed = _PRESENT if match.kind is Kind.DRUG else _PRESENT_CONDITION
    return [mention for mention in match.mentions if mention.qualifier in allowed]


def flag_order(flag: Flag) -> tuple[int, int, bool, float, str]:
    """By what the flags of a report are sorted: strongest first."""
    return (_DIRECTION_ORDER[flag.direction], flag.grade.rank, flag.contested, _least(flag), flag.subject.name)


def _least(flag: Flag) -> float:
    """For the order among equals: larger figures first."""
    return -max((row.value or 0.0 for row in flag.evidence if row.ci_low is not None), default=0.0)


def _route_caution(routes: Sequence[str | None]) -> tuple[str, ...]:
    local = [route for route in routes if route in LOCAL_ROUTES]
    if local and len(local) == len(routes):
        return (f"The entry reads as {local[0]} use; the evidence is about use that reaches the whole body.",)
    return ()


def _warnings(rows: Sequence[Association]) -> tuple[str, ...]:
    return tuple(row.note for row in rows if row.grade is Grade.AVOID and row.note)
