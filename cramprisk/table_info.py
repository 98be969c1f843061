"""Counts over the tables: how many concepts, names and codes of each kind."""

from __future__ import annotations

from cramprisk.tables import Tables, split_cell

__all__ = ["table_counts"]


def table_counts(tables: Tables) -> list[tuple[str, int]]:
    """Labelled counts, in the order a curator looks at them."""

    def values(file: str, column: str) -> int:
        return sum(len(split_cell(row[column])) for row in tables.rows(file))

    def with_code(file: str, column: str) -> int:
        return sum(bool(row[column]) for row in tables.rows(file))

    grades: dict[str, int] = {}
    for row in tables.rows("associations.csv"):
        label = f"associations, {row['direction']} {row['grade']}"
        grades[label] = grades.get(label, 0) + 1
    return [
        ("medicines (ingredients)", len(tables.rows("drugs.csv"))),
        ("  synonyms", values("drugs.csv", "synonyms")),
        ("  brands", values("drugs.csv", "brands")),
        ("  abbreviations", values("drugs.csv", "abbreviations")),
        ("  with RxCUI", with_code("drugs.csv", "rxcui")),
        ("  with ATC", with_code("drugs.csv", "atc")),
        ("combinations", len(tables.rows("combinations.csv"))),
        ("  synonyms", values("combinations.csv", "synonyms")),
        ("  brands", values("combinations.csv", "brands")),
        ("classes", len(tables.rows("drug_classes.csv"))),
        ("  synonyms", values("drug_classes.csv", "synonyms")),
        ("conditions", len(tables.rows("conditions.csv"))),
        ("  synonyms", values("conditions.csv", "synonyms")),
        ("  abbreviations", values("conditions.csv", "abbreviations")),
        ("  ICD-10-CM prefixes", values("conditions.csv", "icd10cm")),
        ("  SNOMED CT ids", values("conditions.csv", "snomed")),
        ("compound conditions", len(tables.rows("compound_conditions.csv"))),
        ("associations", len(tables.rows("associations.csv"))),
        *((f"  {label.partition(', ')[2]}", count) for label, count in sorted(grades.items())),
        ("interactions", len(tables.rows("interactions.csv"))),
        ("sources", len(tables.rows("sources.csv"))),
        ("look-alike pairs", len(tables.rows("look_alikes.csv"))),
        ("ambiguous names", len(tables.rows("ambiguous_names.csv"))),
        ("ordinary words", len(tables.rows("words.csv"))),
        ("codes of products", len(tables.rows("product_codes.csv"))),
    ]
