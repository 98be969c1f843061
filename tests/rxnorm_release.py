"""A small RxNorm release in the exact official layout, with real RxCUIs; the builder is also that of the benchmark.

Layout: RxNorm Technical Documentation, sections 12.4 (RXNCONSO), 12.5 (RXNREL) and 12.6 (RXNSAT): columns end with a
bar, lines with a line feed, text is UTF-8, no header.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

CONCEPTS = [
    # RxCUI, TTY, name, SUPPRESS
    ("4603", "IN", "furosemide", "N"),
    ("83367", "IN", "atorvastatin", "N"),
    ("17767", "IN", "amlodipine", "N"),
    ("1191", "IN", "aspirin", "N"),
    ("1740938", "IN", "insulin argine", "N"),  # an ingredient that the tables do not have
    ("1297766", "PIN", "atorvastatin calcium trihydrate", "N"),
    ("404773", "MIN", "amlodipine / atorvastatin", "N"),
    ("202991", "BN", "Lasix", "N"),
    ("153165", "BN", "Lipitor", "N"),
    ("404914", "BN", "Caduet", "N"),
    ("1112198", "BN", "Disal", "N"),
    ("315971", "SCDC", "furosemide 40 MG", "N"),
    ("313988", "SCD", "furosemide 40 MG Oral Tablet", "N"),
    ("200809", "SBD", "furosemide 40 MG Oral Tablet [Lasix]", "N"),
    ("372281", "SCDF", "furosemide Oral Tablet", "N"),
    ("368487", "SBDF", "furosemide Oral Tablet [Lasix]", "N"),
    ("597977", "SCD", "amlodipine 5 MG / atorvastatin 10 MG Oral Tablet", "N"),
    ("597978", "SBDC", "amlodipine 5 MG / atorvastatin 10 MG [Caduet]", "N"),
    ("1546056", "SBD", "furosemide 50 MG Oral Tablet [Disal]", "O"),
    ("248657", "SCD", "furosemide 50 MG Oral Tablet", "O"),
    ("9997", "IN", "spironolactone", "Y"),  # suppressed: no name is taken from it
    ("317541", "DF", "Oral Tablet", "N"),
]
RELATIONS = [
    # first RxCUI, RELA, second RxCUI, read "second RELA first" as in the files
    ("83367", "form_of", "1297766"),
    ("17767", "part_of", "404773"),
    ("404773", "has_part", "83367"),
    ("4603", "tradename_of", "202991"),
    ("83367", "tradename_of", "153165"),
    ("17767", "tradename_of", "404914"),
    ("83367", "tradename_of", "404914"),
    ("4603", "tradename_of", "1112198"),
    ("4603", "has_ingredient", "315971"),
    ("315971", "consists_of", "313988"),
    ("313988", "tradename_of", "200809"),
    ("202991", "has_ingredient", "200809"),
    ("317541", "has_dose_form", "313988"),
    ("4603", "has_ingredient", "372281"),
    ("372281", "tradename_of", "368487"),
    ("404773", "has_ingredients", "597977"),
    ("404914", "has_ingredient", "597978"),
    ("1112198", "has_ingredient", "1546056"),
    ("4603", "has_ingredient", "248657"),
]
NDCS = [
    ("200809", "RXNORM", "00039006013", "N"),
    ("597977", "MTHSPL", "0378-6168-77", "N"),
    ("1191", "RXNORM", "00000000001", "O"),
]
SYNONYMS = [("1191", "SY", "acetylsalicylic acid tablets"), ("4603", "TMSY", "FUROsemide"), ("202991", "SY", "Lasix ND")]


def conso(rxcui, tty, text, number, *, sab="RXNORM", suppress="N"):
    return f"{rxcui}|ENG||||||{number}||{rxcui}||{sab}|{tty}|{rxcui}|{text}||{suppress}|4096|\n"


def rel(one, rela, other, number, *, sab="RXNORM"):
    return f"{one}||CUI|RO|{other}||CUI|{rela}|{number}||{sab}|||||4096|\n"


def sat(rxcui, name, value, number, *, sab="RXNORM", suppress="N"):
    return f"{rxcui}|||{number}|AUI|{rxcui}|||{name}|{sab}|{value}|{suppress}|4096|\n"


def release(folder: Path, **changed: str) -> Path:
    """Write a release below a folder; a text given by file name (``RXNREL=""``) takes the place of that file."""
    numbers = count(1)
    inverse = {"form_of": "has_form", "part_of": "has_part", "has_part": "part_of", "tradename_of": "has_tradename",
               "has_ingredient": "ingredient_of", "has_ingredients": "ingredients_of", "consists_of": "constitutes",
               "has_dose_form": "dose_form_of"}  # fmt: skip
    files = {
        "RXNCONSO": "".join(
            [
                *(conso(rxcui, tty, text, next(numbers), suppress=suppress) for rxcui, tty, text, suppress in CONCEPTS),
                *(conso(rxcui, tty, text, next(numbers)) for rxcui, tty, text in SYNONYMS),
                conso("4603", "SU", "FUROSÉMIDE [another source]", next(numbers), sab="MTHSPL"),
            ]
        ),
        "RXNREL": "".join(
            line
            for one, rela, other in RELATIONS
            for line in (rel(one, rela, other, next(numbers)), rel(other, inverse[rela], one, next(numbers)))
        )
        + "|123|AUI|RO||456|AUI|has_ingredient|9||MTHSPL|||||4096|\n",
        "RXNSAT": "".join(
            sat(rxcui, "NDC", code, next(numbers), sab=sab, suppress=suppress) for rxcui, sab, code, suppress in NDCS
        )
        + sat("4603", "RXN_BN_CARDINALITY", "single", next(numbers)),
        "RXNSAB": "C1|C2|RXNORM_26AA|RXNORM|RxNorm|x|26AA_261102F|||||||||||||||||||\n",
    } | changed
    where = folder / "rrf"
    where.mkdir(parents=True)
    for file, text in files.items():
        (where / f"{file}.RRF").write_bytes(text.encode("utf-8", "surrogateescape"))
    return folder
