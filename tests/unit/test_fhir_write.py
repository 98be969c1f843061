"""FHIR out: what the resources say, and what they never say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from cramprisk.errors import InputError
from cramprisk.integrations.fhir import check_fhir
from cramprisk.integrations.fhir_write import detected_issues, findings_bundle, operation_outcome

ON = "2026-11-21"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def request(text, **more):
    return {
        "resourceType": "MedicationRequest", "id": "m1", "status": "active", "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": {"text": text},
    } | more  # fmt: skip


def issue_of(text, **more):
    return detected_issues(check_fhir(request(text, **more), on=ON))[0]


def test_an_issue_implicates_the_resource():
    assert issue_of("furosemide 40 mg")["implicated"] == [{"reference": "MedicationRequest/m1", "display": "furosemide 40 mg"}]


def test_all_entries_of_a_medicine_are_implicated_in_one_issue():
    (issue,) = detected_issues(check_fhir([request("hctz", id="1"), request("hctz 25", id="2")], on=ON))

    assert [one["reference"] for one in issue["implicated"]] == ["MedicationRequest/1", "MedicationRequest/2"]


def test_the_patient_is_a_patient_in_r4_and_a_subject_in_r5():
    checked = check_fhir(request("hctz"), on=ON)

    assert detected_issues(checked)[0]["patient"] == {"reference": "Patient/p"}
    assert detected_issues(checked, release="R5")[0]["subject"] == {"reference": "Patient/p"}
    assert "patient" not in detected_issues(checked, release="R5")[0]


@pytest.mark.parametrize("text", ["furosemide", "hctz", "amoxicillin", "quinine", "salmeterol", "ventolin", "clonazepam"])
def test_the_severity_is_never_high(text):
    assert {issue["severity"] for issue in detected_issues(check_fhir(request(text), on=ON))} <= {"low", "moderate"}


def test_an_uncertain_entry_is_of_low_severity():
    assert issue_of("furosemide")["severity"] == "moderate"
    assert issue_of("furosemide", status="unknown")["severity"] == "low"


def test_thin_evidence_is_of_low_severity():
    assert issue_of("amoxicillin")["severity"] == "low"


def test_a_remedy_that_an_authority_advises_against_is_an_issue():
    assert "authority" in issue_of("quinine sulfate 300 mg")["code"]["text"]


def test_a_remedy_otherwise_is_none():
    assert not detected_issues(check_fhir(request("magnesium"), on=ON))


def test_age_and_sex_alone_are_no_issue():
    assert not detected_issues(check_fhir({"resourceType": "Patient", "gender": "female", "birthDate": "1940-01-01"}, on=ON))


def test_what_is_not_counted_is_no_issue():
    assert not detected_issues(check_fhir(request("hctz", status="stopped"), on=ON))


def test_evidence_names_its_source():
    evidence = issue_of("salmeterol")["evidence"][0]

    assert evidence["code"][0]["text"].startswith("Grade A. adjusted sequence ratio 2.42")
    assert evidence["detail"][0]["identifier"]["system"] == "urn:ietf:rfc:3986"


def test_no_issue_advises_to_stop_or_says_caused_by():
    said = json.dumps(detected_issues(check_fhir([request(text) for text in ("hctz", "quinine", "salmeterol")], on=ON))).lower()

    assert "caused by" not in said
    assert "stop taking" not in said


def test_a_pair_that_matters_is_an_issue():
    condition = {
        "resourceType": "Condition",
        "id": "c",
        "code": {"text": "COPD with hypoxia"},
        "subject": {"reference": "Patient/p"},
    }
    checked = check_fhir([request("salbutamol"), condition], on=ON)
    issues = detected_issues(checked)

    assert len(issues) == sum(bool(flag.entries) for flag in checked.report.risks) + len(checked.report.interactions)


HOSTILE = "furosemide <script>alert(1)</script> ]]> &lt; \x00\x1b[31m \ud800 \u202e"


def test_a_narrative_is_well_formed_and_holds_no_markup_of_the_record():
    div = issue_of(HOSTILE)["text"]["div"]

    assert "<script" not in div
    assert ElementTree.fromstring(div).tag == "{http://www.w3.org/1999/xhtml}div"


@pytest.mark.parametrize("identity", ["javascript:alert(1)", "a b", "<x>", "x" * 100])
def test_an_id_that_is_none_gives_no_reference(identity):
    assert "reference" not in issue_of("hctz", id=identity)["implicated"][0]


def test_when_it_was_found_stands_in_it():
    checked = check_fhir(request("hctz"), on=ON)
    (issue,) = detected_issues(checked, identified=datetime(2026, 11, 21, 8, tzinfo=UTC))

    assert issue["identifiedDateTime"] == "2026-11-21T08:00:00+00:00"


def test_a_time_without_a_zone_is_an_input_error():
    with pytest.raises(InputError, match="time zone"):
        detected_issues(check_fhir(request("hctz"), on=ON), identified=datetime(2026, 11, 21))


@pytest.mark.parametrize("write", [detected_issues, operation_outcome, findings_bundle])
def test_another_release_is_an_input_error(write):
    with pytest.raises(InputError, match="R4B"):
        write(check_fhir(request("hctz"), on=ON), release="STU3")


def test_an_outcome_names_the_place_and_not_the_text():
    (issue,) = operation_outcome(check_fhir({"resourceType": "Bundle", "entry": [{"resource": request("Xyzzyol 5")}]}, on=ON))[
        "issue"
    ]

    assert issue["expression"] == ["Bundle.entry[0].resource"]
    assert "Xyzzyol" not in json.dumps(issue)


def test_an_outcome_says_when_there_are_several_meanings():
    assert operation_outcome(check_fhir(request("HCT 25"), on=ON))["issue"][0]["code"] == "multiple-matches"


def test_an_outcome_tells_a_contradiction():
    concept = {"text": "furosemide", "coding": [{"system": RXNORM, "code": "5487"}]}
    codes = [
        issue["code"] for issue in operation_outcome(check_fhir(request("", medicationCodeableConcept=concept), on=ON))["issue"]
    ]

    assert codes == ["multiple-matches", "business-rule"]


def test_an_outcome_of_nothing_amiss_says_so():
    (issue,) = operation_outcome(check_fhir(request("hctz"), on=ON))["issue"]

    assert (issue["severity"], issue["code"]) == ("information", "informational")


def test_a_bundle_is_the_same_for_the_same_findings():
    one, other = (findings_bundle(check_fhir(request("hctz"), on=ON)) for _ in range(2))

    assert one == other
    assert len({entry["fullUrl"] for entry in one["entry"]}) == len(one["entry"])
