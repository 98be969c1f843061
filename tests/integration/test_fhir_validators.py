"""What is written is FHIR, say three validators that are not ours: fhir.resources, and of npm @medplum/core and fhir."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.hostile_fhir import a_bundle
from cramprisk.integrations.fhir import check_fhir
from cramprisk.integrations.fhir_write import detected_issues, findings_bundle, operation_outcome

NODE = Path(__file__).parent / "node"
WHEN = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


def request(number, text, **more):
    return {
        "resourceType": "MedicationRequest", "id": f"m{number}", "status": "active", "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"text": text},
    } | more  # fmt: skip


def many():
    texts = ("hctz", "quinine", "salmeterol", "HCT 25", "xyzzy", "amoxicillin", "lisinopril <b>&", "salbutamol \x01\ud800", " ")
    more = [request(number, text) for number, text in enumerate(texts)]
    more.append(request(99, "hctz", id="not an id", status="odd"))
    return [a_bundle(), more, {"resourceType": "Bundle"}, request(1, "warfarin")]


@pytest.fixture(scope="module")
def reports():
    return [check_fhir(value, on="2026-11-21") for value in many()]


@pytest.mark.parametrize(("release", "package"), [("R4", "R4B."), ("R4B", "R4B."), ("R5", "")])
def test_fhir_resources_finds_no_error(reports, release, package):
    pytest.importorskip("fhir.resources", reason="fhir.resources is not installed")
    from importlib import import_module

    def model(name):
        return getattr(import_module(f"fhir.resources.{package}{name.lower()}"), name)

    written = 0
    for checked in reports:
        for issue in detected_issues(checked, release=release, identified=WHEN):
            model("DetectedIssue").model_validate(issue)
            written += 1
        model("OperationOutcome").model_validate(operation_outcome(checked, release=release))
        model("Bundle").model_validate(findings_bundle(checked, release=release))
    assert written > 8


def by_npm(resources):
    """The errors of both npm libraries, a list for each resource."""
    if shutil.which("node") is None:
        pytest.skip("node is absent: install Node.js 20 or newer with npm, then: make test")
    if not (NODE / "node_modules" / "@medplum" / "core").is_dir():
        pytest.skip("the npm validators are absent: make test installs them where npm and its registry can be reached")
    done = subprocess.run(
        ["node", "validate.cjs"],
        cwd=NODE,
        input="".join(json.dumps(one) + "\n" for one in resources),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_npm_validators_find_no_error_and_do_find_planted_ones(reports):
    good = [
        resource
        for checked in reports
        for resource in (*detected_issues(checked, identified=WHEN), operation_outcome(checked), findings_bundle(checked))
    ]
    unknown_code, no_status = copy.deepcopy(good[0]), copy.deepcopy(good[0])
    unknown_code["severity"] = "grave"
    del no_status["status"]

    *found, first, second = by_npm([*good, unknown_code, no_status])

    assert found == [[]] * len(good)
    assert any("severity" in error for error in first)
    assert any("medplum" in error and "status" in error for error in second)
