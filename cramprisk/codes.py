"""Codes of an entry: RxCUI, ATC, NDC, ICD-10-CM and SNOMED CT.

In the text they are marked as such or stand in their own unmistakable form; a record may state them beside the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from cramprisk.lexicon import Lexicon
from cramprisk.model import Kind, Mention, Method

__all__ = ["SYSTEMS", "codes_in", "codes_stated", "may_hold_code", "with_what_is_said"]

SYSTEMS = {"rxcui": "RxCUI", "ndc": "NDC", "atc": "ATC", "icd10cm": "ICD-10", "snomed": "SNOMED CT"}
"""The systems of codes that can be looked up, as they are called."""
# What no code looks like is not looked up: a prefix search over a megabyte would never end.
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.\-]{0,19}")

_MARKED_CODE = re.compile(
    r"\b(rx ?cui|rx ?norm|atc|icd[ -]?10[ -]?cm|icd[ -]?10|icd|snomed[ -]?ct|snomed|sctid)[ :=#-]+"
    r"([a-z]\d[0-9a-z.]{1,6}|\d{3,18})\b"
)
# A National Drug Code is marked, or recognised by its hyphens if a vocabulary knows it.
_NDC = re.compile(r"\bndc[ :=#-]*(\d{11}|\d{4,5}-\d{3,4}-\d{1,2})\b|(?<![\w-])(\d{4,5}-\d{3,4}-\d{2})(?![\w-])")
_BARE_CODE = {
    Kind.DRUG: ("atc", re.compile(r"\b[A-Z]\d{2}[A-Z]{2}\d{2}\b")),
    Kind.CONDITION: (
        "icd10cm",
        re.compile(r"(?<![A-Z0-9.])[A-TV-Z]\d[0-9AB]\.[0-9A-Z]{1,4}\b|^\s*[A-TV-Z]\d[0-9AB][0-9A-Z]{0,4}\s*$"),
    ),
}
# Letters without which there is no marked code: most entries have none, and looking for them is ten times as quick.
_MARKS = ("rx", "atc", "icd", "snomed", "sctid")
_DIGIT = re.compile(r"\d")
_CODE_SYSTEM = {"r": "rxcui", "a": "atc", "i": "icd10cm", "s": "snomed"}


def may_hold_code(text: str) -> bool:
    """Whether a text has letters that mark a code, so that a number in it may be one."""
    lowered = text.lower()
    return "ndc" in lowered or any(mark in lowered for mark in _MARKS)


def codes_in(text: str, lexicon: Lexicon) -> tuple[list[Mention], list[tuple[int, int]], list[str]]:
    """Mentions by code, the places of the codes, and codes that are not in the tables."""
    if not _DIGIT.search(text):
        return [], [], []
    found: list[tuple[int, int, str, str]] = []
    lowered = text.lower()
    # Lowering may lengthen a few letters of other scripts; then the places would be wrong.
    in_place = len(lowered) == len(text)
    for one in _MARKED_CODE.finditer(lowered) if in_place and any(mark in lowered for mark in _MARKS) else ():
        found.append((one.start(), one.end(), _CODE_SYSTEM[one[1][0]], one[2]))
    system, bare = _BARE_CODE[lexicon.kind]
    upper = text.upper()
    for one in bare.finditer(upper if len(upper) == len(text) else text):
        if not any(low < one.end() and one.start() < high for low, high, _, _ in found):
            found.append((one.start(), one.end(), system, one[0].strip()))
    if lexicon.kind is Kind.DRUG and in_place and ("ndc" in lowered or lowered.count("-") > 1):
        for one in _NDC.finditer(lowered):
            if one[1] or lexicon.by_code("ndc", one[2]):
                found.append((one.start(), one.end(), "ndc", one[1] or one[2]))
    if not found:
        return [], [], []
    mentions, spans, unknown = [], [], []
    for start, end, which, code in sorted(found):
        concepts = lexicon.by_code(which, code)
        spans.append((start, end))
        if concepts:
            mentions.append(Mention(concepts, text[start:end].strip(), code, f"{which} code", Method.CODE, 100.0, start, end))
        else:
            unknown.append(text[start:end].strip())
    return mentions, spans, unknown


def codes_stated(codes: Iterable[tuple[str, str]], lexicon: Lexicon, place: int) -> tuple[list[Mention], list[str]]:
    """Mentions by codes that a record states beside the text, and those that are not in the tables, as words.

    Args:
        codes: System (a key of :data:`SYSTEMS`) and code.
        lexicon: Where they are looked up.
        place: Where in the entry the mentions stand: behind its last character, since they are no part of it.
    """
    mentions: dict[tuple[str, ...], Mention] = {}
    unknown = []
    for system, code in dict.fromkeys(codes):
        if system not in SYSTEMS or not _CODE.fullmatch(code):
            continue
        label = f"{SYSTEMS[system]} {code}"
        concepts = lexicon.by_code(system, code)
        if concepts:
            mention = Mention(concepts, label, code, f"{system} code", Method.CODE, 100.0, place, place)
            mentions.setdefault(concepts, mention)
        else:
            unknown.append(label)
    return list(mentions.values()), unknown


def with_what_is_said(stated: Sequence[Mention], mentions: Sequence[Mention], lexicon: Lexicon) -> list[Mention]:
    """The stated codes, each with the qualifier and route that the words of the entry give to what it stands for.

    "History of stroke" beside the code of stroke is the history of a stroke: the code cannot say that.
    """
    made = []
    for code in stated:
        said = [
            mention
            for mention in mentions
            if any(lexicon.is_a(one, other) or lexicon.is_a(other, one) for one in mention.concepts for other in code.concepts)
        ]
        qualifiers = {mention.qualifier for mention in said}
        route = next((mention.route for mention in mentions if mention.route), None)
        made.append(replace(code, qualifier=qualifiers.pop() if len(qualifiers) == 1 else None, route=route))
    return made
