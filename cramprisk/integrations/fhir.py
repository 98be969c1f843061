"""FHIR in: what a patient's resources say about cramps, each entry with the resource it came from.

R4, R4B and R5, read without a FHIR library, tolerantly: what is missing or wrong gives a warning. An entry that does not
hold now (stopped, refuted, entered in error, a draft, an allergy) is read and shown with the reason, and not flagged.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

from cramprisk.checker import Checker
from cramprisk.context import Context, Medicine, day
from cramprisk.errors import InputError
from cramprisk.integrations.fhir_codes import NamedThing, known_codes
from cramprisk.integrations.fhir_entries import FhirEntry, Patient, Reading, day_of, read_entries
from cramprisk.integrations.fhir_read import FhirWarning, resources_in
from cramprisk.integrations.fhir_status import Standing
from cramprisk.lexicon import Lexicon
from cramprisk.matcher import CODE_SAYS_OTHERWISE, SEVERAL_MEANINGS
from cramprisk.model import Candidate, Flag, Kind, Match, Qualifier, Status
from cramprisk.report import Report

__all__ = ["COUNTED", "CheckedEntry", "FhirReport", "check_fhir", "check_fhir_each", "match_thing", "related"]

COUNTED = frozenset({Standing.CURRENT, Standing.UNCERTAIN})
"""How the entries stand that count; the uncertain ones are flagged as uncertain."""

NAMES_DISAGREE = "another name in the same resource says otherwise"
"""The reason of a candidate that comes from a second name of a resource."""

CONTRADICTED = "the resource says something else too"
"""The reason of a candidate that another name or code of the same resource contradicts."""

# The codes that say that there is nothing: SNOMED CT (no known medications, no current problems, no known allergy) and
# the International Patient Summary (http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips).
_NOTHING = frozenset(
    "787481004 160245001 716186003 no-medication-info no-known-medications no-problem-info no-known-problems "
    "no-allergy-info no-known-allergies".split()
)
# Names of one resource are a handful; more are a slip or an attack.
_MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class CheckedEntry:
    """An entry of a FHIR input, and what it was understood to say.

    Attributes:
        entry: What the resource says, with its place, status and codes.
        match: How that was read.
        position: Where the match stands in ``FhirReport.report.matches``; None if the entry does not count.
        warnings: What a reader must know about it: a code and a name that contradict each other.
    """

    entry: FhirEntry
    match: Match
    position: int | None
    warnings: tuple[str, ...] = ()

    @property
    def counted(self) -> bool:
        """Whether it is among the matches of the report, so that it can be flagged."""
        return self.position is not None

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types."""
        return {
            **self.entry.to_dict(),
            "position": self.position,
            "warnings": list(self.warnings),
            "match": self.match.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class FhirReport:
    """The report about one patient, and the resources that it came from.

    Attributes:
        report: The report over the entries that count.
        entries: All entries, also those that do not count, medicines before conditions, as in the report.
        patient: The person, or None if the input has no Patient resource of theirs.
        warnings: What was amiss in the input.
        unread: How many resources of each type hold no medicine or condition and were passed over.
    """

    report: Report
    entries: tuple[CheckedEntry, ...]
    patient: Patient | None
    warnings: tuple[FhirWarning, ...]
    unread: Mapping[str, int]

    def __bool__(self) -> NoReturn:
        raise TypeError("a FhirReport has no truth value: look at the flags of its report and at complete")

    @property
    def complete(self) -> bool:
        """Whether every entry that counts was understood."""
        return self.report.complete

    @property
    def patient_reference(self) -> str | None:
        """How resources refer to the patient; None if the input names none."""
        if self.patient is not None:
            return self.patient.reference
        own = (one.entry.patient for one in self.entries if one.entry.standing is not Standing.OTHER_PATIENT)
        return next((key for key in own if key), None)

    @property
    def not_counted(self) -> tuple[CheckedEntry, ...]:
        """The entries that were read and not flagged; each says why in ``entry.reason``."""
        return tuple(one for one in self.entries if not one.counted)

    @property
    def unresolved(self) -> tuple[CheckedEntry, ...]:
        """The entries that count and were not wholly understood."""
        return tuple(one for one in self.entries if one.counted and not one.match.complete)

    def origins(self, flag: Flag) -> tuple[FhirEntry, ...]:
        """The entries that led to a flag, with their resources."""
        return tuple(one.entry for one in self.entries if one.position is not None and one.position in flag.entries)

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types: that of the report, with ``fhir`` beside it."""
        return {
            **self.report.to_dict(),
            "fhir": {
                "patient": self.patient_reference,
                "entries": [entry.to_dict() for entry in self.entries],
                "warnings": [warning.to_dict() for warning in self.warnings],
                "unread": dict(self.unread),
            },
        }

    def to_json(self, *, indent: int | None = 2) -> str:
        """The same as JSON, in ASCII."""
        return json.dumps(self.to_dict(), indent=indent)

    def to_text(self, width: int = 100) -> str:
        """The report as plain text, with what was not counted and what was amiss."""
        from cramprisk.integrations.fhir_text import lines

        return self.report.to_text(width) + "".join(f"{line}\n" for line in lines(self, width))

    def to_html(self) -> str:
        """The report as a page, with what was not counted and what was amiss."""
        from cramprisk.integrations.fhir_text import to_html

        return to_html(self)

    def _repr_html_(self) -> str:
        from cramprisk.integrations.fhir_text import to_fragment

        return to_fragment(self)


def check_fhir(
    resource: object,
    *,
    checker: Checker | None = None,
    patient: str | None = None,
    cramps_since: date | str | None = None,
    pregnant_weeks: float | None = None,
    on: date | str | None = None,
    counted: Collection[Standing] = COUNTED,
) -> FhirReport:
    """What FHIR resources of one patient say about cramps, and from which resource each entry came.

    Args:
        resource: A resource, a Bundle of any kind, a list or mapping of those, or a text of JSON or NDJSON.
        checker: Over which tables; the embedded ones if None.
        patient: The id of the patient, if the input is about several. Without it the first is checked, and the entries
            of the others are shown as not counted, with a warning. See :func:`check_fhir_each`.
        cramps_since: The day the cramps began.
        pregnant_weeks: Completed weeks.
        on: The day on which age and ended periods are counted; today if None.
        counted: How the entries stand that count. A service that is asked about drafts adds ``Standing.PLANNED``.

    Raises:
        InputError: The input is no JSON object or list, `patient` is not in it, or a value is impossible. Whatever is
            wrong inside the input is a warning.

    Examples:
        >>> from cramprisk import check_fhir
        >>> request = {"resourceType": "MedicationRequest", "id": "7", "status": "active", "subject": {"reference": "Patient/1"},
        ...            "medicationCodeableConcept": {"text": "HCTZ 25 mg"}}
        >>> checked = check_fhir(request, on="2026-11-21")
        >>> [(flag.subject.id, checked.origins(flag)[0].reference) for flag in checked.report.risks]
        [('hydrochlorothiazide', 'MedicationRequest/7')]
    """
    today = day(on, "on") or date.today()
    reading = read_entries(resources_in(resource), today)
    keys = _patients_of(reading)
    if patient is not None:
        chosen = next((key for key in keys if patient in (key, key.rpartition("/")[2])), None)
        if chosen is None:
            raise InputError("patient: is none of the patients of the input. Give the id of a Patient in it.")
    else:
        chosen = keys[0] if keys else ""
    since = Context.of(cramps_since=cramps_since).cramps_since
    return _checked(
        reading,
        chosen,
        checker or Checker.default(),
        frozenset(counted),
        patients=len(keys),
        since=since,
        pregnant_weeks=pregnant_weeks,
    )


def check_fhir_each(
    resource: object,
    *,
    checker: Checker | None = None,
    on: date | str | None = None,
    counted: Collection[Standing] = COUNTED,
) -> Iterator[FhirReport]:
    """One report for each patient of an input, for example of a Bulk Data export, in the order of the input.

    An input that names no patient is that of one. Resources that name none, in an input about several, belong to a report
    of their own, the last.

    Raises:
        InputError: As :func:`check_fhir`.

    Examples:
        >>> requests = [
        ...     {"resourceType": "MedicationRequest", "status": "active", "subject": {"reference": f"Patient/{number}"},
        ...      "medicationCodeableConcept": {"text": name}}
        ...     for number, name in enumerate(("HCTZ 25 mg", "warfarin"))
        ... ]
        >>> [len(checked.report.risks) for checked in check_fhir_each(requests, on="2026-11-21")]
        [1, 0]
    """
    reading = read_entries(resources_in(resource), day(on, "on") or date.today())
    keys = _patients_of(reading)
    checker = checker or Checker.default()
    if len(keys) < 2:
        yield _checked(reading, keys[0] if keys else "", checker, frozenset(counted))
        return
    of_patient: dict[str, list[FhirEntry]] = {key: [] for key in keys}
    for entry in reading.entries:
        of_patient.setdefault(entry.patient, []).append(entry)
    for number, (key, entries) in enumerate(of_patient.items()):
        own = replace(
            reading,
            entries=tuple(entries),
            patients=tuple(one for one in reading.patients if one.key == key),
            # What was amiss in the whole input is said once.
            warnings=_about(reading.warnings, entries) if number else _not_about(reading, entries),
            unread=reading.unread if not number else {},
        )
        yield _checked(own, key, checker, frozenset(counted))


def _about(warnings: Sequence[FhirWarning], entries: Iterable[FhirEntry]) -> tuple[FhirWarning, ...]:
    paths = {entry.path for entry in entries}
    return tuple(one for one in warnings if any(one.path == path or one.path.startswith(f"{path}.") for path in paths))


def _not_about(reading: Reading, own: Sequence[FhirEntry]) -> tuple[FhirWarning, ...]:
    """The warnings that are about these entries or about none."""
    others = {entry.path for entry in reading.entries} - {entry.path for entry in own}
    return tuple(
        one for one in reading.warnings if not any(one.path == path or one.path.startswith(f"{path}.") for path in others)
    )


def _patients_of(reading: Reading) -> list[str]:
    """The keys of the patients: those of Patient resources that have entries, other Patients, then other subjects."""
    subjects = list(dict.fromkeys(entry.patient for entry in reading.entries if entry.patient))
    described = [patient.key for patient in reading.patients]
    first = [key for key in described if key in subjects] or described
    return list(dict.fromkeys((*first, *described, *subjects)))


def _checked(
    reading: Reading,
    key: str,
    checker: Checker,
    counted: frozenset[Standing],
    *,
    patients: int = 1,
    since: date | None = None,
    pregnant_weeks: float | None = None,
) -> FhirReport:
    warnings = list(reading.warnings)
    if patients > 1:
        warnings.append(
            FhirWarning("", f"the input is about {patients} patients; the entries of the others were not counted. Check each.")
        )
    person = next((one for one in reading.patients if one.key == key), None)
    entries = [
        replace(entry, standing=Standing.OTHER_PATIENT, reason="is about another patient")
        if entry.patient not in ("", key)
        else entry
        for entry in reading.entries
    ]
    entries.sort(key=lambda entry: entry.kind is Kind.CONDITION)
    read = [one for entry in entries for one in _read(entry, checker)]
    present = frozenset(
        concept
        for entry, match, _ in read
        if entry.kind is Kind.CONDITION and entry.standing in counted
        for concept in match.present()
    )
    read = [(entry, _settled(entry, match, checker, present), amiss) for entry, match, amiss in read]
    made: list[CheckedEntry] = []
    matches: list[Match] = []
    days: list[Medicine | None] = []
    for entry, match, amiss in read:
        if entry.standing in counted:
            kept = _doubted(match) if entry.standing is Standing.UNCERTAIN else match
            made.append(CheckedEntry(entry, kept, len(matches), amiss))
            matches.append(kept)
            days.append(_medicine(entry, match, since))
        else:
            made.append(CheckedEntry(entry, match, None, amiss))
    context = _context(person, since, pregnant_weeks)
    report = checker.report(matches, context=context, days=days)
    return FhirReport(report, tuple(made), person, tuple(warnings), reading.unread)


def _context(person: Patient | None, since: date | None, weeks: float | None) -> Context:
    sex = person.sex if person else None
    return Context.of(person.age if person else None, sex, weeks, since)


def _medicine(entry: FhirEntry, match: Match, since: date | None) -> Medicine | None:
    if entry.kind is not Kind.DRUG:
        return None
    start, stop = day_of(entry.start, since), day_of(entry.stop, since)
    return Medicine(match.text, start, None if start and stop and stop < start else stop)


def _doubted(match: Match) -> Match:
    """The match with every plain mention marked as uncertain."""
    mentions = (
        replace(mention, qualifier=Qualifier.UNCERTAIN) if mention.qualifier is None else mention for mention in match.mentions
    )
    return replace(match, mentions=tuple(mentions))


# ---------------------------------------------------------------------- from names and codes to a match


def _read(entry: FhirEntry, checker: Checker) -> Iterator[tuple[FhirEntry, Match, tuple[str, ...]]]:
    """The entry with its match, and entries of their own for ingredients that the name does not cover."""
    match, amiss = match_thing(NamedThing(entry.names, entry.codings), entry.kind, checker)
    inside = [(thing, *match_thing(thing, entry.kind, checker)) for thing in entry.ingredients]
    known = set(match.concepts)
    lexicon = checker.matcher(entry.kind).lexicon
    own = []
    for thing, part, said in inside:
        new = [one for one in part.concepts if not any(lexicon.is_a(one, other) or lexicon.is_a(other, one) for other in known)]
        # What is neither an active substance we know nor needed to know what the product is: water, a capsule shell.
        if new or not (match.concepts or part.concepts):
            own.append((replace(entry, names=thing.names, codings=thing.codings, ingredients=()), part, said))
            known.update(part.concepts)
    # An unknown name of a product leaves nothing open that its ingredients tell. One of several meanings does, and so
    # does one that something contradicts.
    unknown = match.status in (Status.UNRECOGNISED, Status.EMPTY) and not amiss
    if own and unknown and all(part.concepts for _, part, _ in own):
        if not entry.names and not entry.codings:
            yield from own
            return
        amiss = (*amiss, "the name was not understood; its ingredients were")
        match = replace(match, status=Status.EMPTY, not_understood=(), candidates=())
    yield entry, match, amiss
    yield from own


_LONGEST_REMEMBERED = 500
_KNOWN: WeakKeyDictionary[Checker, dict[tuple[NamedThing, Kind], tuple[Match, tuple[str, ...]]]] = WeakKeyDictionary()


def match_thing(thing: NamedThing, kind: Kind, checker: Checker) -> tuple[Match, tuple[str, ...]]:
    """How the names and codes of one thing are read together, and what in them contradicts each other.

    A checker that remembers entries (:class:`Checker`) remembers so many things too.
    """
    if not checker.remember or _long(thing):
        return _matched_thing(thing, kind, checker)
    known = _KNOWN.setdefault(checker, {})
    found = known.get((thing, kind))
    if found is None:
        if len(known) >= checker.remember:
            known.clear()
        found = known[thing, kind] = _matched_thing(thing, kind, checker)
    return found


def _long(thing: NamedThing) -> bool:
    """Whether it would take the room of others."""
    names = sum(map(len, thing.names))
    return names + sum([len(one.system) + len(one.code) + len(one.display) for one in thing.codings]) > _LONGEST_REMEMBERED


def _matched_thing(thing: NamedThing, kind: Kind, checker: Checker) -> tuple[Match, tuple[str, ...]]:
    match, amiss = _named_match(thing, kind, checker)
    if not any(coding.code.lower() in _NOTHING for coding in thing.codings):
        return match, amiss
    if not match.present() and match.status is not Status.AMBIGUOUS:
        return Match(thing.names[0] if thing.names else "", kind, Status.EMPTY), ()
    amiss = (*amiss, "a code says that there is nothing, and a name or code that there is")
    return _undecided(match, checker.matcher(kind).lexicon), amiss


def _named_match(thing: NamedThing, kind: Kind, checker: Checker) -> tuple[Match, tuple[str, ...]]:
    """The same, whatever a code says about there being nothing."""
    matcher = checker.matcher(kind)
    codes = known_codes(thing.codings)
    names = thing.names[:_MOST_NAMES]
    if not names:
        match = matcher.match("", codes=codes)
        label = "; ".join(f"{coding.system} {coding.code}".strip() for coding in thing.codings[:3])
        shown = match.mentions[0].matched_text if match.mentions else "; ".join(match.not_understood) or label
        text = shown or "(no name)"
        if match.status is Status.EMPTY:
            match = replace(match, status=Status.UNRECOGNISED, not_understood=(text,))
        return _one_code(replace(match, text=text), matcher.lexicon)
    matches = [matcher.match(name, codes=codes) for name in names]
    # The first name that is understood wholly, else the first that is understood at all, else the first.
    best = next(
        (one for wanted in (_whole, _partly) for one in matches if wanted(one)),
        matches[0],
    )
    # "Water pill" beside "hydrochlorothiazide 25 mg", "lisinopril" beside "lisinopril / hydrochlorothiazide".
    best = next((one for one in matches if _whole(one) and _says_more(one, best, matcher.lexicon)), best)
    amiss: tuple[str, ...] = ()
    if any(candidate.reason == CODE_SAYS_OTHERWISE for one in matches for candidate in one.candidates):
        amiss = ("a code and a name contradict each other",)
        best = next(one for one in matches if any(candidate.reason == CODE_SAYS_OTHERWISE for candidate in one.candidates))
    other = next((one for one in matches if one.concepts and not _agree(one, best, matcher.lexicon)), None)
    if other is not None and best.concepts:
        amiss = (*amiss, "two names contradict each other")
        best = replace(
            best,
            candidates=(*best.candidates, Candidate(other.concepts, other.mentions[0].name, other.score, NAMES_DISAGREE)),
            not_understood=(*best.not_understood, other.text),
        )
    if amiss and kind is Kind.DRUG:
        return _undecided(best, matcher.lexicon), amiss
    checked, more = _one_code(best, matcher.lexicon)
    return checked, (*amiss, *more)


def _undecided(match: Match, lexicon: Lexicon) -> Match:
    """The match with all that was read as candidates.

    Codes of real records are wrong now and then, and so are texts; which of the two is, cannot be told. Taking one
    medicine for another is the worst error. (A condition keeps what was read: its words often say more than its code.)
    """
    read = (
        Candidate(
            mention.concepts, " + ".join(lexicon.concepts[one].name for one in mention.concepts), mention.score, CONTRADICTED
        )
        for mention in match.mentions
    )
    said = (mention.matched_text for mention in match.mentions)
    return replace(
        match,
        status=Status.AMBIGUOUS,
        concepts=(),
        mentions=(),
        candidates=tuple(dict.fromkeys((*read, *match.candidates))),
        not_understood=tuple(dict.fromkeys((*said, *match.not_understood))),
    )


def _whole(match: Match) -> bool:
    return match.status is Status.MATCHED and match.complete


def _partly(match: Match) -> bool:
    return match.status is Status.MATCHED


def _says_more(one: Match, other: Match, lexicon: Lexicon) -> bool:
    """Whether a reading holds all that another says, and says something more narrowly or in addition."""
    return (
        bool(other.concepts)
        and not set(one.concepts) <= set(other.concepts)
        and all(any(lexicon.is_a(mine, its) for mine in one.concepts) for its in other.concepts)
    )


def _agree(one: Match, other: Match, lexicon: Lexicon) -> bool:
    """Whether two readings of one thing may both be right: they share a concept, or one says it more widely."""
    return not one.concepts or not other.concepts or related(one.concepts, other.concepts, lexicon)


def related(ones: Iterable[str], others: Collection[str], lexicon: Lexicon) -> bool:
    """Whether two sets of concepts may speak of the same: some are equal, one wider than the other, or of one kind of disease."""
    for one in ones:
        for other in others:
            if lexicon.is_a(one, other) or lexicon.is_a(other, one):
                return True
            if lexicon.kind is Kind.CONDITION and set(lexicon.ancestors(one)) & set(lexicon.ancestors(other)):
                return True
    return False


def _one_code(match: Match, lexicon: Lexicon) -> tuple[Match, tuple[str, ...]]:
    """The match, undecided where its codes mean unrelated things and no name agrees with one of them."""
    stated = [mention for mention in match.mentions if mention.start == mention.end]
    against = [
        (one, other)
        for index, one in enumerate(stated)
        for other in stated[index + 1 :]
        if not related(one.concepts, other.concepts, lexicon)
    ]
    if not against:
        return match, ()
    said = [mention for mention in match.mentions if mention.start != mention.end]
    kept = [one for one in stated if said and related(one.concepts, [c for mention in said for c in mention.concepts], lexicon)]
    candidates = tuple(
        Candidate(one.concepts, one.name, 100.0, "the codes of the entry contradict each other")
        for one in stated
        if one not in kept
    )
    mentions = tuple(mention for mention in match.mentions if mention in said or mention in kept)
    return (
        replace(
            match,
            status=Status.MATCHED if mentions else Status.AMBIGUOUS,
            concepts=tuple(dict.fromkeys(concept for mention in mentions for concept in mention.concepts)),
            mentions=mentions,
            candidates=(*candidates, *match.candidates),
            not_understood=(*match.not_understood, *(one.matched_text for one in stated if one not in kept)),
        ),
        ("two codes contradict each other",),
    )


def _settled(entry: FhirEntry, match: Match, checker: Checker, present: frozenset[str]) -> Match:
    """A condition of several meanings, read by what the other entries say: "PD" beside Parkinson's disease."""
    if entry.kind is not Kind.CONDITION or not any(one.reason.endswith(SEVERAL_MEANINGS) for one in match.candidates):
        return match
    settled = checker.conditions.match(match.text, present, known_codes(entry.codings))
    return settled if settled.complete else match
