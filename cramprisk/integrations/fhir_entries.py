"""From resources to entries: what each says is taken or present, by which names and codes, since when, and of whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from cramprisk.integrations.fhir_codes import Coding, NamedThing, concept_of
from cramprisk.integrations.fhir_read import FhirWarning, Found, Resources, code_of, items, objects, text_of
from cramprisk.integrations.fhir_status import Standing, Verdict, condition_verdict, list_verdict, medicine_verdict
from cramprisk.model import Kind

__all__ = ["FhirEntry", "Patient", "Reading", "day_of", "read_entries"]

_MEDICINES = (
    "MedicationRequest", "MedicationOrder", "MedicationPrescription", "MedicationStatement", "MedicationUsage",
    "MedicationAdministration", "MedicationDispense",
)  # fmt: skip
_READ = (*_MEDICINES, "Condition", "AllergyIntolerance", "List", "Medication", "Patient")
# LOINC codes of lists: of medicines, of problems, of allergies (https://hl7.org/fhir/R4/valueset-list-example-codes.html
# has words for the same).
_LISTS = {
    "10160-0": "Medication", "29549-3": "Medication", "57828-6": "Medication", "19009-0": "Medication",
    "medications": "Medication",
    "11450-4": "Condition", "11348-0": "Condition", "problems": "Condition",
    "48765-2": "AllergyIntolerance", "allergies": "AllergyIntolerance", "adverserxns": "AllergyIntolerance",
}  # fmt: skip
_INGREDIENTS_DEEP = 4
_INGREDIENTS_MOST = 60


@dataclass(frozen=True, slots=True)
class FhirEntry:
    """What one resource says is taken or present.

    Attributes:
        kind: Medicine or condition. An allergy to something is of the kind ``drug``.
        names: What it is called, most trusted first; none if the resource has no name.
        codings: Its codes.
        ingredients: What it is made of, where the resource says so.
        resource_type: Type of the resource.
        reference: How other resources refer to it, or None.
        path: Where the resource stands in the input, as FHIRPath.
        standing: Whether it holds now.
        reason: Why it does not (plainly) hold, in words; else empty.
        status: The status as the resource has it; empty if it has none.
        start: The first day as the resource has it (``2026``, ``2026-03``, ``2026-03-01``); empty if it says none.
        stop: The last day, likewise.
        patient: Whose it is: a key that is equal for equal patients; empty if the resource does not say.
    """

    kind: Kind
    names: tuple[str, ...]
    codings: tuple[Coding, ...]
    ingredients: tuple[NamedThing, ...]
    resource_type: str
    reference: str | None
    path: str
    standing: Standing
    reason: str = ""
    status: str = ""
    start: str = ""
    stop: str = ""
    patient: str = ""

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types."""
        return {
            "kind": self.kind.value,
            "resource_type": self.resource_type,
            "reference": self.reference,
            "path": self.path,
            "names": list(self.names),
            "codes": [coding.to_dict() for coding in self.codings],
            "ingredients": [list(one.names) for one in self.ingredients],
            "standing": self.standing.value,
            "reason": self.reason or None,
            "status": self.status or None,
            "start": self.start or None,
            "stop": self.stop or None,
        }


@dataclass(frozen=True, slots=True)
class Patient:
    """A person as the input describes them; age in whole years that have surely passed."""

    key: str
    reference: str | None
    age: int | None
    sex: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """All that an input says.

    Attributes:
        entries: In the order of the input.
        patients: The Patient resources.
        warnings: What was amiss.
        unread: How many resources of each type were passed over, since they hold no medicine or condition.
    """

    entries: tuple[FhirEntry, ...]
    patients: tuple[Patient, ...]
    warnings: tuple[FhirWarning, ...]
    unread: Mapping[str, int]


def read_entries(resources: Resources, on: date) -> Reading:
    """What the resources say is taken or present.

    Args:
        resources: From :func:`~cramprisk.integrations.fhir_read.resources_in`.
        on: The day on which ages and ended periods are counted.
    """
    reader = _Reader(resources, on)
    entries = list(reader.read())
    unread = Counter(one.type[:64] for one in resources.found if one.type not in _READ)
    patients = {patient.key: patient for patient in map(reader.patient, resources.of_type("Patient"))}
    return Reading(
        tuple(entries), tuple(patients.values()), (*resources.warnings, *reader.warnings), dict(sorted(unread.items()))
    )


def day_of(text: str, since: date | None = None) -> date | None:
    """The day of a FHIR date or dateTime; of a year or month its first day, unless `since` lies within it.

    Examples:
        >>> day_of("2026-03-01T08:00:00+01:00"), day_of("2026-03"), day_of("2026-03", date(2026, 3, 9))
        (datetime.date(2026, 3, 1), datetime.date(2026, 3, 1), None)
    """
    first, last = _days_of(text)
    if first is None or last is None or (since is not None and first < since <= last):
        return None
    return first


def _days_of(text: str) -> tuple[date | None, date | None]:
    """The first and the last day that a date may mean."""
    try:
        if len(text) >= 10:
            day = date.fromisoformat(text[:10])
            return day, day
        if len(text) == 7:
            first = date.fromisoformat(f"{text}-01")
            return first, (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        if len(text) == 4:
            return date.fromisoformat(f"{text}-01-01"), date.fromisoformat(f"{text}-12-31")
    except (ValueError, OverflowError):
        pass
    return None, None


class _Reader:
    def __init__(self, resources: Resources, on: date) -> None:
        self.resources = resources
        self.on = on
        self.warnings: list[FhirWarning] = []
        self._referred: set[int] = set()

    def read(self) -> Iterator[FhirEntry]:
        for found in self.resources.found:
            if found.type in _MEDICINES:
                yield self._medicine(found)
            elif found.type == "Condition":
                yield self._condition(found)
            elif found.type == "AllergyIntolerance":
                yield self._allergy(found)
            elif found.type == "List":
                yield from self._list(found)
        for found in self.resources.of_type("Medication"):
            if id(found) not in self._referred:
                yield self._medication(found)

    def _warn(self, path: str, message: str) -> None:
        self.warnings.append(FhirWarning(path, message))

    # ------------------------------------------------------------------ the kinds of resources

    def _medicine(self, found: Found) -> FhirEntry:
        resource = found.resource
        verdict = self._told(found, medicine_verdict(found.type, resource))
        thing, ingredients = self._medication_of(found)
        period = _period(resource)
        verdict = self._dated(found, verdict, period[1])
        return self._entry(found, Kind.DRUG, thing, verdict, ingredients=ingredients, period=period)

    def _condition(self, found: Found) -> FhirEntry:
        verdict = self._told(found, condition_verdict(found.resource))
        self._expect_concept(found, "code")
        start = text_of(found.resource.get("onsetDateTime"))
        return self._entry(found, Kind.CONDITION, concept_of(found.resource.get("code")), verdict, period=(start, ""))

    def _allergy(self, found: Found) -> FhirEntry:
        thing = concept_of(found.resource.get("code"))
        for reaction in objects(found.resource.get("reaction")):
            thing = thing.then(concept_of(reaction.get("substance")))
        # DSTU2 has the substance beside the reactions.
        thing = thing.then(concept_of(found.resource.get("substance")))
        status = next(iter(_plain_codes(found.resource, ("clinicalStatus", "verificationStatus", "status"))), "")
        return self._entry(found, Kind.DRUG, thing, Verdict(Standing.ALLERGY, "an allergy, not a medicine taken", status))

    def _medication(self, found: Found) -> FhirEntry:
        """A Medication that nothing refers to: somebody thought it worth sending, nobody says that it is taken."""
        verdict = Verdict(
            Standing.UNCERTAIN, "no request, statement or dispense refers to it", code_of(found.resource.get("status"))
        )
        if code_of(found.resource.get("status")) == "entered-in-error":
            verdict = Verdict(Standing.ERROR, "entered in error", "entered-in-error")
        thing, ingredients = self._of_medication(found)
        return self._entry(found, Kind.DRUG, thing, verdict, ingredients=ingredients)

    def _list(self, found: Found) -> Iterator[FhirEntry]:
        """Items that lead to no resource of the input, or to a bare Medication; the others are read where they stand."""
        codes = _plain_codes(found.resource, ("code",))
        about = next((_LISTS[code] for code in codes if code in _LISTS), "")
        for index, entry in enumerate(items(found.resource.get("entry"))):
            path = f"{found.path}.entry[{index}]"
            item = entry.get("item") if isinstance(entry, Mapping) else None
            if not isinstance(item, Mapping):
                self._warn(path, "has no item.")
                continue
            target = self.resources.resolved(item, found)
            if target is not None and target.type != "Medication":
                if target.type not in _READ:
                    self._warn(path, "leads to a resource that is neither a medicine nor a condition; it was not read.")
                continue
            kind = "Medication" if target is not None else _type_of(item) or about
            ingredients: tuple[NamedThing, ...] = ()
            thing = NamedThing(tuple(name for name in (text_of(item.get("display")),) if name))
            if target is not None:
                self._referred.add(id(target))
                own, ingredients = self._of_medication(target)
                thing = thing.then(own)
            else:
                self._warn(f"{path}.item", "leads to nothing in the input; its display is read.")
            verdict = list_verdict(found.resource, entry)
            if kind == "AllergyIntolerance":
                verdict = Verdict(Standing.ALLERGY, "an allergy, not a medicine taken", verdict.status)
            elif kind != "Condition" and kind not in _READ:
                self._warn(path, "cannot be told to be a medicine or a condition; it was not read.")
                continue
            entry_kind = Kind.CONDITION if kind == "Condition" else Kind.DRUG
            made = self._entry(found, entry_kind, thing, verdict, ingredients=ingredients)
            yield replace(made, path=path, reference=text_of(item.get("reference")) or made.reference)

    def patient(self, found: Found) -> Patient:
        """The person in a Patient resource."""
        resource = found.resource
        sex: str | None = code_of(resource.get("gender"))
        if sex not in ("female", "male", "other", "unknown"):
            if sex:
                self._warn(f"{found.path}.gender", "is none of FHIR's; passed over.")
            sex = None
        return Patient(self._key(found), found.reference, self._age(found), None if sex == "unknown" else sex)

    def _age(self, found: Found) -> int | None:
        born = text_of(found.resource.get("birthDate"))
        if not born:
            return None
        _, last = _days_of(born)
        path = f"{found.path}.birthDate"
        if last is None:
            self._warn(path, "is no date; the age is not known.")
            return None
        # Of a person who died: the age they reached.
        died = _days_of(text_of(found.resource.get("deceasedDateTime")))[0]
        day = min(died, self.on) if died is not None else self.on
        age = day.year - last.year - ((day.month, day.day) < (last.month, last.day))
        if not 0 <= age <= 130:
            if not (age == -1 and len(born) < 10):
                self._warn(path, "gives an age that nobody has; the age is not known.")
                return None
            return 0
        return age

    # ------------------------------------------------------------------ what a resource is about

    def _medication_of(self, found: Found) -> tuple[NamedThing, tuple[NamedThing, ...]]:
        """Name and ingredients of what a request, statement, administration or dispense is about, in all versions."""
        resource = found.resource
        thing = concept_of(resource.get("medicationCodeableConcept"))
        references: list[object] = [resource.get("medicationReference")]
        for one in items(resource.get("medication"))[:_INGREDIENTS_MOST]:
            if isinstance(one, Mapping) and ("concept" in one or isinstance(one.get("reference"), Mapping)):
                thing = thing.then(concept_of(one.get("concept")))
                references.append(one.get("reference"))
            elif isinstance(one, Mapping) and any(key in one for key in ("reference", "identifier", "type")):
                references.append(one)
            else:
                thing = thing.then(concept_of(one))
        for element in ("medicationCodeableConcept", "medicationReference", "medication"):
            if element in resource and not isinstance(resource[element], Mapping):
                self._warn(f"{found.path}.{element}", f"expected an object, got {type(resource[element]).__name__}.")
        ingredients: tuple[NamedThing, ...] = ()
        for given in references:
            reference = {"reference": given} if isinstance(given, str) else given
            if not isinstance(reference, Mapping):
                continue
            display = text_of(reference.get("display"))
            thing = thing.then(NamedThing((display,) if display else ()))
            target = self.resources.resolved(reference, found, "Medication")
            if target is not None and target.type in ("Medication", "Substance"):
                self._referred.add(id(target))
                if code_of(target.resource.get("status")) == "entered-in-error":
                    self._warn(target.path, "is a Medication entered in error; the name is read all the same.")
                own, inside = self._of_medication(target)
                thing = thing.then(own)
                ingredients = (*ingredients, *inside)
            elif not thing.names and not thing.codings:
                self._warn(f"{found.path}.medication", "refers to nothing in the input and has no display.")
        return thing, ingredients

    def _of_medication(self, found: Found) -> tuple[NamedThing, tuple[NamedThing, ...]]:
        """Name and ingredients of a Medication; cycles among Medications end, and so does depth."""
        seen = {id(found)}
        ingredients: list[NamedThing] = []
        level = [found]
        for _ in range(_INGREDIENTS_DEEP):
            deeper: list[Found] = []
            for medication in level:
                product = medication.resource.get("product")
                parts = objects(medication.resource.get("ingredient"))
                parts += objects(product.get("ingredient")) if isinstance(product, Mapping) else []
                for part in parts:
                    if part.get("isActive") is False or len(ingredients) >= _INGREDIENTS_MOST:
                        continue
                    thing, target = self._ingredient(part, medication)
                    if target is not None and id(target) not in seen:
                        seen.add(id(target))
                        self._referred.add(id(target))
                        thing = thing.then(concept_of(target.resource.get("code")))
                        deeper.append(target)
                    if thing.names or thing.codings:
                        ingredients.append(thing)
            level = deeper
        return concept_of(found.resource.get("code")), tuple(dict.fromkeys(ingredients))

    def _ingredient(self, part: Mapping[str, Any], medication: Found) -> tuple[NamedThing, Found | None]:
        item = part.get("item")
        thing = concept_of(part.get("itemCodeableConcept"))
        reference = part.get("itemReference")
        if isinstance(item, Mapping):
            if "concept" in item or isinstance(item.get("reference"), Mapping):
                thing = thing.then(concept_of(item.get("concept")))
                reference = item.get("reference", reference)
            elif "reference" in item:
                reference = item
            else:
                thing = thing.then(concept_of(item))
        if not isinstance(reference, Mapping):
            return thing, None
        display = text_of(reference.get("display"))
        thing = thing.then(NamedThing((display,) if display else ()))
        target = self.resources.resolved(reference, medication, "Medication")
        return thing, target if target is not None and target.type in ("Medication", "Substance") else None

    # ------------------------------------------------------------------ status, days, person

    def _told(self, found: Found, verdict: Verdict) -> Verdict:
        if verdict.amiss is not None:
            self._warn(f"{found.path}.{verdict.amiss[0]}", verdict.amiss[1])
        return verdict

    def _dated(self, found: Found, verdict: Verdict, stop: str) -> Verdict:
        """The verdict, with what the days say against it: a period that is over, a box that should be empty."""
        if found.type == "MedicationDispense" and verdict.status == "completed":
            ends = self._supplied_until(found)
            if ends is not None:
                if ends < self.on:
                    return Verdict(Standing.NOT_CURRENT, "what was handed over should be used up", verdict.status)
                return Verdict(Standing.CURRENT, "", verdict.status)
        _, ended = _days_of(stop)
        if verdict.standing is Standing.CURRENT and ended is not None and ended < self.on:
            return Verdict(Standing.UNCERTAIN, "its period is over; its status is not", verdict.status)
        return verdict

    def _supplied_until(self, found: Found) -> date | None:
        supply = found.resource.get("daysSupply")
        days = supply.get("value") if isinstance(supply, Mapping) else None
        given = _days_of(text_of(found.resource.get("whenHandedOver")))[0]
        if given is None or isinstance(days, bool) or not isinstance(days, (int, float)) or not 0 < days < 4000:
            return None
        try:
            return given + timedelta(days=days)
        except OverflowError:
            return None

    def _expect_concept(self, found: Found, element: str) -> None:
        value = found.resource.get(element)
        if value is not None and not isinstance(value, Mapping):
            self._warn(f"{found.path}.{element}", f"expected an object, got {type(value).__name__}.")

    def _entry(
        self,
        found: Found,
        kind: Kind,
        thing: NamedThing,
        verdict: Verdict,
        *,
        ingredients: tuple[NamedThing, ...] = (),
        period: tuple[str, str] = ("", ""),
    ) -> FhirEntry:
        if not thing.names and not thing.codings and not ingredients:
            self._warn(found.path, "has neither a name nor a code.")
        if found.deleted:
            verdict = Verdict(Standing.NOT_CURRENT, "deleted", verdict.status)
        start, stop = period
        first, last = _days_of(start)[0], _days_of(stop)[1]
        if first is not None and last is not None and last < first:
            self._warn(found.path, "ends before it begins; its days are passed over.")
            start = stop = ""
        return FhirEntry(
            kind, thing.names, thing.codings, ingredients, found.type, _reference(found), found.path,
            verdict.standing, verdict.reason, verdict.status, start, stop, self._patient_of(found),
        )  # fmt: skip

    def _key(self, found: Found) -> str:
        # Relative and absolute references to one Patient must give one key.
        return f"Patient/{found.id}" if found.id else found.url or found.path

    def _patient_of(self, found: Found) -> str:
        """Whose a resource is: its own subject, or that of what contains it."""
        one: Found | None = found
        for _ in range(_INGREDIENTS_DEEP):
            if one is None:
                return ""
            for element in ("subject", "patient"):
                reference = one.resource.get(element)
                if isinstance(reference, Mapping):
                    key = self._patient_key(reference, one)
                    if key:
                        return key
            one = one.container
        return ""

    def _patient_key(self, reference: Mapping[str, Any], origin: Found) -> str:
        target = self.resources.resolved(reference, origin, "Patient")
        if target is not None:
            return self._key(target)
        text = text_of(reference.get("reference"))
        if text and not text.startswith("#"):
            return text if text.startswith("urn:") else "/".join(text.split("/_history/")[0].split("/")[-2:])
        identifier = reference.get("identifier")
        value = text_of(identifier.get("value")) if isinstance(identifier, Mapping) else ""
        return f"{text_of(identifier.get('system'))}|{value}" if value and isinstance(identifier, Mapping) else ""


def _reference(found: Found) -> str | None:
    """The reference of a resource; of a contained one that of the outermost resource around it."""
    while found.container is not None:
        found = found.container
    return found.reference


def _type_of(item: Mapping[str, Any]) -> str:
    """The type of resource that a Reference names without leading to one."""
    named = text_of(item.get("type")).rpartition("/")[2]
    parts = text_of(item.get("reference")).split("/")
    return named or (parts[-2] if len(parts) > 1 else "")


def _plain_codes(resource: Mapping[str, Any], elements: tuple[str, ...]) -> list[str]:
    codes: list[str] = []
    for element in elements:
        for value in items(resource.get(element)):
            if isinstance(value, Mapping):
                codes += [code_of(coding.get("code")) for coding in objects(value.get("coding"))]
            else:
                codes.append(code_of(value))
    return [code for code in codes if code]


def _period(resource: Mapping[str, Any]) -> tuple[str, str]:
    """The first and the last day that a resource of a medicine gives, as texts; empty where it gives none."""
    for element in ("effectivePeriod", "occurencePeriod", "occurrencePeriod", "effectiveDosePeriod"):
        period = resource.get(element)
        if isinstance(period, Mapping) and (text_of(period.get("start")) or text_of(period.get("end"))):
            return text_of(period.get("start")), text_of(period.get("end"))
    starts, stops = [], []
    dosages = [*objects(resource.get("dosageInstruction")), *objects(resource.get("dosage"))]
    for dosage in dosages:
        timing = dosage.get("timing")
        repeat = timing.get("repeat") if isinstance(timing, Mapping) else None
        bounds = repeat.get("boundsPeriod") if isinstance(repeat, Mapping) else None
        if isinstance(bounds, Mapping):
            starts.append(text_of(bounds.get("start")))
            stops.append(text_of(bounds.get("end")))
    # One part of a schedule without an end goes on.
    stop = max(stops) if stops and all(stops) and len(stops) == len(dosages) else ""
    start = min((one for one in starts if one), default="")
    written = ("authoredOn", "dateWritten", "whenHandedOver", "whenPrepared")
    return start or next((text for text in (text_of(resource.get(key)) for key in written) if text), ""), stop
