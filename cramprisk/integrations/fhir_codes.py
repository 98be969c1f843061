"""CodeableConcepts: the names in the order in which they are trusted, and the codes by their system."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cramprisk.integrations.fhir_read import items, objects, text_of

__all__ = ["Coding", "NamedThing", "concept_of", "known_codes", "system_of"]

# Name of the system in the tables by URI (without scheme, in small letters) and by OID. Sources: "Terminologies
# Systems" of FHIR (https://hl7.org/fhir/terminologies-systems.html), the NHS Data Model for dm+d, and the German base
# profiles. The ids of dm+d are SNOMED CT ids. ICD-10 of other countries agrees with ICD-10-CM in the categories.
_SYSTEMS = {
    "www.nlm.nih.gov/research/umls/rxnorm": "rxcui",
    "2.16.840.1.113883.6.88": "rxcui",
    "hl7.org/fhir/sid/ndc": "ndc",
    "2.16.840.1.113883.6.69": "ndc",
    "www.whocc.no/atc": "atc",
    "fhir.de/codesystem/dimdi/atc": "atc",
    "fhir.de/codesystem/bfarm/atc": "atc",
    "2.16.840.1.113883.6.73": "atc",
    "snomed.info/sct": "snomed",
    "2.16.840.1.113883.6.96": "snomed",
    "dmd.nhs.uk": "snomed",
    "hl7.org/fhir/sid/icd-10-cm": "icd10cm",
    "hl7.org/fhir/sid/icd-10-us": "icd10cm",
    "2.16.840.1.113883.6.90": "icd10cm",
    "hl7.org/fhir/sid/icd-10": "icd10cm",
    "2.16.840.1.113883.6.3": "icd10cm",
    "hl7.org/fhir/sid/icd-10-uk": "icd10cm",
    "fhir.de/codesystem/dimdi/icd-10-gm": "icd10cm",
    "fhir.de/codesystem/bfarm/icd-10-gm": "icd10cm",
}
_OID = re.compile(r"(?:urn:oid:)?([0-2](?:\.\d+)+)$")
_SCHEME = re.compile(r"^https?://")
# A CodeableConcept has a handful of codings; thousands are an attack or a slip.
_MOST = 40


@dataclass(frozen=True, slots=True)
class Coding:
    """One coding of a resource.

    Attributes:
        system: As given.
        code: As given.
        display: As given, or empty.
        known_as: The system's name in the tables (``rxcui``, ``ndc``, ``atc``, ``icd10cm``, ``snomed``), or empty.
    """

    system: str
    code: str
    display: str = ""
    known_as: str = ""

    def to_dict(self) -> dict[str, str | None]:
        """A plain dictionary of JSON types."""
        return {"system": self.system or None, "code": self.code or None, "display": self.display or None}


@dataclass(frozen=True, slots=True)
class NamedThing:
    """What something is called, most trusted name first, and its codes."""

    names: tuple[str, ...] = ()
    codings: tuple[Coding, ...] = ()

    def then(self, other: NamedThing) -> NamedThing:
        """This with the names and codes of another behind its own."""
        return NamedThing(
            tuple(dict.fromkeys((*self.names, *other.names))), tuple(dict.fromkeys((*self.codings, *other.codings)))
        )


def system_of(uri: str) -> str:
    """The name in the tables of a code system, given as URI or OID; empty for others.

    Examples:
        >>> system_of("http://www.nlm.nih.gov/research/umls/rxnorm"), system_of("urn:oid:2.16.840.1.113883.6.96")
        ('rxcui', 'snomed')
    """
    uri = uri.strip().lower().partition("|")[0].rstrip("/")
    oid = _OID.match(uri)
    if oid:
        return _SYSTEMS.get(oid[1], "")
    bare = _SCHEME.sub("", uri)
    # An edition of SNOMED CT may stand behind the URI.
    return "snomed" if bare.startswith("snomed.info/sct/") else _SYSTEMS.get(bare, "")


def concept_of(value: object) -> NamedThing:
    """The names and codes of a CodeableConcept: its text, the display that a user selected, the other displays.

    A plain text, or a Coding, where a CodeableConcept should stand is read too.
    """
    if isinstance(value, str):
        return NamedThing(tuple(name for name in (text_of(value),) if name))
    if isinstance(value, (list, tuple)):
        merged = NamedThing()
        for one in value[:_MOST]:
            if not isinstance(one, (list, tuple)):
                merged = merged.then(concept_of(one))
        return merged
    if not isinstance(value, Mapping):
        return NamedThing()
    given = objects(value.get("coding"))[:_MOST]
    if not given and ("code" in value or "display" in value):
        given = [value]
    given = sorted(given, key=lambda coding: coding.get("userSelected") is not True)
    codings = tuple(dict.fromkeys(coding for coding in map(_coding, given) if coding is not None))
    texts = [text_of(text) for text in items(value.get("text"))[:_MOST]]
    names = dict.fromkeys(name for name in (*texts, *(coding.display for coding in codings)) if name)
    return NamedThing(tuple(names), codings)


def _coding(value: Mapping[str, Any]) -> Coding | None:
    code = value.get("code")
    # Some senders write RxCUIs as numbers.
    text = str(code) if isinstance(code, int) and not isinstance(code, bool) and 0 <= code < 10**18 else text_of(code)
    system, display = text_of(value.get("system")), text_of(value.get("display"))
    if not text and not display:
        return None
    return Coding(system, text, display, system_of(system) if text else "")


def known_codes(codings: Iterable[Coding]) -> tuple[tuple[str, str], ...]:
    """System and code of those that the tables may know."""
    return tuple(dict.fromkeys((coding.known_as, coding.code) for coding in codings if coding.known_as and coding.code))
