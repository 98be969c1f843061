"""A report as a table for spreadsheets: one row for each entry and flag that it led to."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from cramprisk.guard import guarded
from cramprisk.report import citation

if TYPE_CHECKING:
    from cramprisk.report import Report

__all__ = ["to_csv"]

_CSV_COLUMNS = (
    "entry", "text", "kind", "status", "concepts", "qualifier", "not_understood", "candidates",
    "subject", "direction", "grade", "contested", "figure", "outcome", "source", "inherited_from",
)  # fmt: skip


def to_csv(report: Report) -> str:
    """The report as CSV: one row for each entry and flag that it led to; an entry without a flag has one row too.

    A cell that a spreadsheet would run as a formula begins with an apostrophe.

    Examples:
        >>> from cramprisk import check
        >>> print(to_csv(check(["warfarin"])), end="")
        entry,text,kind,status,concepts,qualifier,not_understood,candidates,subject,direction,grade,contested,figure,outcome,source,inherited_from
        1,warfarin,drug,matched,warfarin,,,,,,,,,,,
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_CSV_COLUMNS)
    for index, match in enumerate(report.matches):
        head = [
            index + 1,
            match.text,
            match.kind.value,
            match.status.value,
            "|".join(match.concepts),
            match.qualifier.value if match.qualifier else "",
            "|".join(match.not_understood),
            "|".join(dict.fromkeys(candidate.name for candidate in match.candidates)) if not match.complete else "",
        ]
        flags = [flag for flag in report.flags if index in flag.entries]
        for flag in flags or (None,):
            tail: list[str] = [""] * 8
            if flag is not None:
                first = flag.best()
                tail = [
                    flag.subject.id,
                    flag.direction.value,
                    flag.grade.value,
                    "yes" if flag.contested else "no",
                    first.figure(),
                    first.outcome,
                    citation(first.source),
                    "|".join(flag.inherited_from),
                ]
            writer.writerow([guarded(str(cell)) for cell in (*head, *tail)])
    return out.getvalue()
