"""Whatever holds FHIR resources, walked: the resources in it, where each stands, and what their references mean.

Tolerant on purpose: a record that is wrong in one place is still somebody's list of medicines. What cannot be read is
skipped with a warning. A warning names places, never a text of the record. Nothing here recurses: nesting has no limit.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cramprisk.errors import InputError
from cramprisk.json_objects import all_values, whole_letters

__all__ = ["FhirWarning", "Found", "Resources", "code_of", "items", "objects", "parsed", "resources_in", "text_of"]

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FhirWarning:
    """Something in the input that was not as FHIR has it, or that a reader must know.

    Attributes:
        path: Where, as FHIRPath from the root of the input: ``Bundle.entry[3].resource.status``.
        message: What is wrong and what was done. It never holds a text of the record.
    """

    path: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """A plain dictionary of JSON types."""
        return {"path": self.path, "message": self.message}


class Found:
    """One resource of the input. Two of them are equal only if they are the same place.

    Attributes:
        resource: As it came.
        type: Its ``resourceType``.
        id: Its logical id, or an empty text.
        path: Where it stands, as FHIRPath from the root of the input.
        url: Its ``fullUrl``, or an empty text.
        container: The resource that contains it, or None.
        deleted: Whether the Bundle says that it was or is to be deleted.
        history: Whether it stands in a Bundle of versions, newest first.
    """

    __slots__ = ("container", "deleted", "history", "id", "path", "resource", "type", "url")

    def __init__(
        self,
        resource: Json,
        path: str,
        url: str = "",
        container: Found | None = None,
        *,
        deleted: bool = False,
        history: bool = False,
    ) -> None:
        self.resource = resource
        self.type = text_of(resource.get("resourceType"))
        self.id = text_of(resource.get("id"))
        self.path = path
        self.url = url
        self.container = container
        self.deleted = deleted
        self.history = history

    @property
    def reference(self) -> str | None:
        """How other resources refer to it: its ``fullUrl``, or type and id; None if it has neither, or is contained."""
        if self.container is not None:
            return None
        if self.url:
            return self.url
        return f"{self.type}/{self.id}" if self.type and self.id else None


# ---------------------------------------------------------------------- values of any type, read as one type


def text_of(value: object) -> str:
    """A text without surrounding space; anything else is empty. Lone surrogates are replaced, so that it can be written."""
    if not isinstance(value, str):
        return ""
    return (value if value.isascii() else whole_letters(value)).strip()


def items(value: object) -> list[Any]:
    """The items of an array; a value that should stand in one and does not is an array of one; null is none."""
    if isinstance(value, (list, tuple)):
        return list(value)
    return [] if value is None else [value]


def objects(value: object) -> list[Json]:
    """The objects of an array, or the object that should stand in one."""
    return [item for item in items(value) if isinstance(item, Mapping)]


def code_of(value: object) -> str:
    """A code, in small letters; of a number its digits; anything else is empty."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**20 else ""
    return text_of(value).lower()


# ---------------------------------------------------------------------- texts


def parsed(text: str | bytes | bytearray) -> object:
    """JSON or newline-delimited JSON (Bulk Data), as Python values; of the latter a list.

    Raises:
        InputError: It is neither; the message names the line.
    """
    if isinstance(text, (bytes, bytearray)):
        try:
            text = bytes(text).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(f"the FHIR input is not UTF-8 (byte {error.start + 1}). Save it as UTF-8.") from None
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise InputError("the FHIR input is empty. Give a resource, a Bundle or NDJSON.")
    try:
        return _json(text)
    except json.JSONDecodeError as error:
        whole = error
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if len(lines) < 2 or not lines[0][1].lstrip().startswith("{"):
        raise InputError(f"the FHIR input is no JSON (line {whole.lineno}, column {whole.colno}).")
    found = []
    for number, line in lines:
        try:
            found.append(_json(line))
        except json.JSONDecodeError as error:
            if number == lines[0][0]:
                # The first line is no JSON by itself: a JSON document over several lines, with a slip in it.
                raise InputError(f"the FHIR input is no JSON (line {whole.lineno}, column {whole.colno}).") from None
            raise InputError(f"line {number}: is no JSON (column {error.colno}). Each line of NDJSON is one resource.") from None
    return found


def _json(text: str) -> object:
    try:
        # A name that comes twice is wrong in FHIR too; a list where one value should stand is read as something amiss.
        return json.loads(text, object_pairs_hook=all_values)
    except RecursionError:
        raise InputError("the FHIR input is nested too deep to be a record.") from None
    except json.JSONDecodeError:
        raise
    except ValueError:
        # A number of more digits than Python converts.
        raise InputError("the FHIR input holds a number that is too long.") from None


# ---------------------------------------------------------------------- the walk


_NO_TYPE = "has no resourceType, so it was not read."
# One object may stand at several places of a value made by a program; a value that is all repetition has an end.
_SHARED_MOST = 64
# What a path may begin with. A type may be anything in a record that is wrong, also a name that somebody has.
_ROOTS = frozenset(
    "Bundle Parameters Patient Medication MedicationRequest MedicationOrder MedicationPrescription MedicationStatement "
    "MedicationUsage MedicationAdministration MedicationDispense Condition AllergyIntolerance List Composition Encounter "
    "Observation Procedure CarePlan OperationOutcome".split()
)
_HISTORY = re.compile(r"/_history/[^/#]*$")


@dataclass(frozen=True, slots=True)
class _Place:
    value: object
    path: str
    url: str = ""
    container: Found | None = None
    deleted: bool = False
    history: bool = False


class Resources:
    """The resources of one input, and what references among them mean. Made by :func:`resources_in`.

    Attributes:
        found: The resources in the order of the input, contained ones behind what contains them.
        warnings: What could not be read.
    """

    def __init__(self, found: list[Found], warnings: list[FhirWarning]) -> None:
        self.found = found
        self.warnings = warnings
        self._by_url: dict[str, Found] = {}
        self._by_id: dict[str, Found] = {}
        self._by_identifier: dict[tuple[str, str, str], Found] = {}
        self._contained: dict[tuple[int, str], Found] = {}
        for one in found:
            if one.container is not None:
                if one.id:
                    self._contained.setdefault((id(one.container), one.id), one)
                continue
            if one.url:
                self._by_url.setdefault(one.url, one)
            if one.id:
                self._by_id.setdefault(f"{one.type}/{one.id}", one)
            for identifier in objects(one.resource.get("identifier")):
                value = text_of(identifier.get("value"))
                if value:
                    self._by_identifier.setdefault((one.type, text_of(identifier.get("system")), value), one)

    def resolved(self, reference: object, origin: Found, of_type: str = "") -> Found | None:
        """The resource that a Reference means, or None if the input does not hold it.

        Contained (``#id``), by ``fullUrl`` (absolute, ``urn:uuid:``), relative (``Medication/1``), and by logical
        identifier, in this order.

        Args:
            reference: The value of an element of type Reference.
            origin: The resource that refers.
            of_type: The type of a resource that an identifier may mean; that of the Reference counts before it.
        """
        if not isinstance(reference, Mapping):
            return None
        target = _HISTORY.sub("", text_of(reference.get("reference")))
        if target.startswith("#"):
            # A contained resource may refer to its siblings, and with "#" alone to what contains it.
            outer = origin if origin.container is None else origin.container
            return outer if target == "#" else self._contained.get((id(outer), target[1:]))
        if target:
            found = self._by_url.get(target) or self._by_id.get(target)
            if found is None and not target.startswith("urn:"):
                found = self._by_id.get("/".join(target.split("/")[-2:]))
            if found is None and target.startswith("urn:"):
                # Some senders write urn:uuid: where the Bundle has only the id.
                found = next((self._by_id.get(f"{kind}/{target.split(':')[-1]}") for kind in (of_type,) if kind), None)
            if found is not None:
                return found
        identifier = reference.get("identifier")
        if isinstance(identifier, Mapping):
            kind = text_of(reference.get("type")).rpartition("/")[2] or of_type
            value = text_of(identifier.get("value"))
            return self._by_identifier.get((kind, text_of(identifier.get("system")), value)) if value else None
        return None

    def of_type(self, *types: str) -> Iterator[Found]:
        """The resources of some types, in the order of the input."""
        return (one for one in self.found if one.type in types)


def resources_in(value: object) -> Resources:
    """All resources in an input.

    Args:
        value: A resource; a Bundle or Parameters of any kind, nested or not; a list of those; a mapping of names to those
            (the prefetch of CDS Hooks); or a text of JSON or NDJSON.

    Raises:
        InputError: It is none of these.

    Examples:
        >>> bundle = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": "1"}}]}
        >>> [(one.path, one.reference) for one in resources_in(bundle).found]
        [('Bundle.entry[0].resource', 'Patient/1')]
    """
    if isinstance(value, (str, bytes, bytearray)):
        value = parsed(value)
    if not isinstance(value, (Mapping, list, tuple)):
        raise InputError(f"a FHIR input is a JSON object or a list of them, got {type(value).__name__}.")
    walk = _Walk()
    walk.read(value)
    return Resources(_latest(walk.found), walk.warnings)


class _Walk:
    """One walk over an input, with a queue of its own instead of recursion; an object inside itself is not read again."""

    def __init__(self) -> None:
        self.found: list[Found] = []
        self.warnings: list[FhirWarning] = []
        # The input outlives the walk, so an id is that of one object.
        self._open: set[int] = set()
        self._visits: Counter[int] = Counter()
        self._deleted: set[str] = set()
        self._named: set[str] = set()

    def read(self, value: object) -> None:
        waiting: deque[_Place | int] = deque([_Place(value, "")])
        while waiting:
            place = waiting.popleft()
            if isinstance(place, int):
                self._open.discard(place)
            elif not isinstance(place.value, (Mapping, list, tuple)):
                self._warn(place.path, "expected a resource, got " + type(place.value).__name__ + "; it was not read.")
            elif id(place.value) not in self._open and self._visits[id(place.value)] < _SHARED_MOST:
                self._open.add(id(place.value))
                self._visits[id(place.value)] += 1
                # The parts stand before what waits, so that the order of the input is kept; behind them the object is left.
                waiting.extendleft(reversed([*self._parts(place), id(place.value)]))

    def _parts(self, place: _Place) -> Iterator[_Place]:
        value = place.value
        if isinstance(value, (list, tuple)):
            root = place.path or "%context"
            for index, item in enumerate(value):
                if item is not None:
                    yield _Place(item, f"{root}[{index}]", container=place.container)
        elif isinstance(value, Mapping):
            yield from self._of_object(value, place)

    def _of_object(self, value: Json, place: _Place) -> Iterator[_Place]:
        kind = text_of(value.get("resourceType"))
        path = place.path or (kind if kind in _ROOTS else "%context")
        if kind == "Bundle" or (not kind and isinstance(value.get("entry"), (list, tuple))):
            if not kind:
                self._warn(path, "has no resourceType; read as a Bundle, since it has entries.")
            yield from self._entries(value, path)
        elif kind == "Parameters" or (not kind and isinstance(value.get("parameter"), (list, tuple))):
            yield from self._parameters(value.get("parameter"), f"{path}.parameter")
        elif kind:
            found = Found(value, path, place.url, place.container, deleted=place.deleted, history=place.history)
            found.deleted = found.deleted or f"{kind}/{found.id}" in self._deleted
            self.found.append(found)
            for index, inner in enumerate(items(value.get("contained"))):
                yield _Place(inner, f"{path}.contained[{index}]", container=found, deleted=found.deleted)
        elif "resource" in value:
            yield from self._entry(value, path)
        else:
            # The names of a mapping may be anything; the path says the position.
            parts = [part for part in value.values() if isinstance(part, (Mapping, list, tuple))]
            if not any(_holds_resources(part) for part in parts):
                self._warn(path, _NO_TYPE)
                return
            for index, part in enumerate(parts):
                yield _Place(part, f"{path}[{index}]")

    def _entries(self, bundle: Json, path: str) -> Iterator[_Place]:
        history = text_of(bundle.get("type")) == "history"
        if "entry" in bundle and not isinstance(bundle["entry"], (list, tuple)):
            self._warn(f"{path}.entry", "is no array; read as an array of one.")
        for index, entry in enumerate(items(bundle.get("entry"))):
            if isinstance(entry, Mapping):
                yield from self._entry(entry, f"{path}.entry[{index}]", history)
            elif entry is not None:
                self._warn(f"{path}.entry[{index}]", f"expected an object, got {type(entry).__name__}; it was not read.")

    def _entry(self, entry: Json, path: str, history: bool = False) -> Iterator[_Place]:
        request = entry.get("request")
        deleted = isinstance(request, Mapping) and text_of(request.get("method")).upper() == "DELETE"
        url = _HISTORY.sub("", text_of(entry.get("fullUrl")))
        resource = entry.get("resource")
        if resource is None:
            if deleted and isinstance(request, Mapping):
                # In a history the versions before the deletion follow; those after it stand first.
                self._deleted |= {"/".join(text_of(request.get("url")).split("/")[-2:])} - self._named
            if text_of(entry.get("resourceType")):
                self._warn(path, "is a resource where an entry was expected; read all the same.")
                yield _Place(entry, path)
            elif not deleted and "request" not in entry and "response" not in entry:
                self._warn(path, "has no resource.")
            return
        if isinstance(resource, Mapping):
            self._named.add(f"{text_of(resource.get('resourceType'))}/{text_of(resource.get('id'))}")
        yield _Place(resource, f"{path}.resource", url, deleted=deleted, history=history)

    def _parameters(self, parameters: object, path: str) -> Iterator[_Place]:
        seen: set[int] = set()
        waiting = deque((part, f"{path}[{index}]") for index, part in enumerate(items(parameters)))
        while waiting:
            part, where = waiting.popleft()
            if not isinstance(part, Mapping) or id(part) in seen:
                continue
            seen.add(id(part))
            if part.get("resource") is not None:
                yield _Place(part["resource"], f"{where}.resource")
            waiting.extend((inner, f"{where}.part[{index}]") for index, inner in enumerate(items(part.get("part"))))

    def _warn(self, path: str, message: str) -> None:
        self.warnings.append(FhirWarning(path, message))


def _holds_resources(value: object) -> bool:
    """Whether a value of a mapping without a type looks like a resource, a Bundle, an entry, or a list of those."""
    first = next((item for item in value if item is not None), None) if isinstance(value, (list, tuple)) else value
    return isinstance(first, Mapping) and any(key in first for key in ("resourceType", "entry", "resource", "parameter"))


def _latest(found: list[Found]) -> list[Found]:
    """The resources without older versions of those that the input holds several times (history, pages that overlap).

    The later ``meta.lastUpdated`` counts; in a history, where it does not tell, the first, since that begins with the
    newest. Two that nothing tells apart are both kept: read twice is better than lost.
    """
    kept: dict[str, Found] = {}
    dropped: set[int] = set()
    for one in found:
        key = one.reference if one.id else None
        if key is None:
            continue
        known = kept.setdefault(key, one)
        if known is one or known.type != one.type:
            continue
        before, now = _updated(known), _updated(one)
        if before and now and now > before:
            dropped.add(id(known))
            kept[key] = one
        elif (before and now) or one.history:
            dropped.add(id(one))
    return [one for one in found if id(one) not in dropped and (one.container is None or id(one.container) not in dropped)]


def _updated(found: Found) -> str:
    meta = found.resource.get("meta")
    return text_of(meta.get("lastUpdated")) if isinstance(meta, Mapping) else ""
