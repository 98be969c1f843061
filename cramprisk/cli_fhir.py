"""``cramprisk check --fhir``: resources of one or several patients, checked and shown in any of the formats."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cramprisk.errors import InputError

if TYPE_CHECKING:
    from cramprisk.checker import Checker
    from cramprisk.integrations.fhir import FhirReport

__all__ = ["add_options", "misused", "run"]

_MAX_BYTES = 300_000_000


def add_options(check: argparse.ArgumentParser) -> None:
    """The options of ``check`` for FHIR."""
    check.add_argument(
        "--fhir", metavar="FILE", help="FHIR resources as JSON or NDJSON (Bundle, resource, bulk data); - for standard input"
    )
    check.add_argument("--on", metavar="DATE", help="with --fhir: the day on which ages are counted (default: today)")
    check.add_argument("--fhir-release", choices=("R4", "R5"), default="R4", help="with --format fhir: the release to write")


def misused(arguments: argparse.Namespace) -> str:
    """What is wrong with the options, or an empty text."""
    if arguments.fhir is None:
        if arguments.format == "fhir" or arguments.on:
            return "--format fhir and --on want --fhir FILE"
        return ""
    beside = {
        "names": arguments.names,
        "--condition": arguments.condition,
        "--file": arguments.file,
        "--condition-file": arguments.condition_file,
        "--age": arguments.age is not None,
        "--sex": arguments.sex,
        "--pregnant-weeks": arguments.pregnant_weeks is not None,
    }
    given = [name for name, value in beside.items() if value]
    return f"--fhir holds the whole list and the person: leave out {', '.join(given)}" if given else ""


def run(arguments: argparse.Namespace, checker: Checker, write: Callable[[str], None]) -> int:
    """Check the file and write the reports, one for each patient in it.

    Returns:
        0, or 1 if ``--fail-on`` found something.
    """
    from cramprisk.integrations.fhir import check_fhir_each

    reports = list(check_fhir_each(_content(arguments.fhir), checker=checker, on=arguments.on))
    _written(reports, arguments, write)
    if arguments.fail_on:
        limit = "ABCD".index(arguments.fail_on)
        if any(flag.grade.rank <= limit for checked in reports for flag in checked.report.risks):
            return 1
    return 0


def _content(name: str) -> bytes:
    label = "standard input" if name == "-" else name
    try:
        if name == "-":
            if sys.stdin is None:
                raise InputError("standard input: is closed.")
            content = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as handle:
                content = handle.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{label}: cannot be read ({error.strerror}).") from None
    if len(content) > _MAX_BYTES:
        raise InputError(
            f"{label}: larger than {_MAX_BYTES // 1_000_000} MB. Split it, with all resources of a patient in one part."
        )
    return content


def _written(reports: Sequence[FhirReport], arguments: argparse.Namespace, write: Callable[[str], None]) -> None:
    if arguments.format == "json":
        # One patient is one document, as without --fhir; several are an array of them.
        write(reports[0].to_json() if len(reports) == 1 else json.dumps([one.to_dict() for one in reports], indent=2))
    elif arguments.format == "ndjson":
        write("".join(json.dumps(row) + "\n" for row in _rows(reports)))
    elif arguments.format == "fhir":
        from cramprisk.integrations.fhir_write import findings_bundle

        bundles = [findings_bundle(checked, release=arguments.fhir_release) for checked in reports]
        write(json.dumps(bundles[0], indent=2) if len(bundles) == 1 else "".join(json.dumps(one) + "\n" for one in bundles))
    elif arguments.format == "csv":
        from cramprisk.integrations.fhir_text import to_csv

        write(to_csv(reports))
    elif arguments.format == "html":
        from cramprisk.integrations.fhir_text import page_of

        write(page_of(reports))
    else:
        for checked in reports:
            if len(reports) > 1:
                write(f"{'=' * 20} {_patient(checked)}\n")
            if arguments.format == "text":
                write(checked.to_text())
            else:
                _table(checked)


def _rows(reports: Iterable[FhirReport]) -> Iterable[dict[str, object]]:
    for checked in reports:
        for one in checked.entries:
            flags = [flag for flag in checked.report.flags if one.position is not None and one.position in flag.entries]
            yield {
                "patient": checked.patient_reference,
                **one.to_dict(),
                "flags": [
                    {
                        "subject": flag.subject.id,
                        "direction": flag.direction.value,
                        "grade": flag.grade.value,
                        "contested": flag.contested,
                        "inherited_from": list(flag.inherited_from),
                    }
                    for flag in flags
                ],
            }


def _patient(checked: FhirReport) -> str:
    from cramprisk.report import plain

    return plain(checked.patient_reference or "no patient named")


def _table(checked: FhirReport) -> None:
    from cramprisk.integrations.fhir_text import lines
    from cramprisk.page import Page
    from cramprisk.terminal import print_report

    print_report(checked.report)
    page = Page()
    sys.stdout.write("".join(f"{line}\n" for line in lines(checked, page.width)))
