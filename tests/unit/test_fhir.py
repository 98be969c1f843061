"""FHIR in: shapes, references, names and codes, statuses, persons."""

from __future__ import annotations

import json

import pytest

from cramprisk.checker import Checker
from cramprisk.errors import InputError
from cramprisk.integrations.fhir import _KNOWN, COUNTED, check_fhir, check_fhir_each
from cramprisk.integrations.fhir_entries import day_of
from cramprisk.integrations.fhir_read import parsed, resources_in
from cramprisk.integrations.fhir_status import Standing

ON = "2026-11-21"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"


def request(text="HCTZ 25 mg", **more):
    return {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": text},
    } | more


def condition(text="Type 2 diabetes", **more):
    return {
        "resourceType": "Condition",
        "id": "c1",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"text": text},
    } | more


def bundle(*resources, **more):
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]} | more


def checked(value, **options):
    return check_fhir(value, on=ON, **options)


def only(value, **options):
    (entry,) = checked(value, **options).entries
    return entry


def named(concept, **more):
    return request(medicationCodeableConcept=concept, **more)


# ---------------------------------------------------------------------- what holds resources

HOLDERS = {
    "a resource": request(),
    "a list": [request()],
    "a bundle": bundle(request()),
    "a nested bundle": bundle(bundle(bundle(request()))),
    "a searchset": bundle(request(), type="searchset"),
    "a transaction": {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "POST"}, "resource": request()}],
    },
    "parameters": {"resourceType": "Parameters", "parameter": [{"name": "x", "part": [{"resource": request()}]}]},
    "a prefetch": {"medications": bundle(request()), "patient": None},
    "a bundle without a type": {"entry": [{"resource": request()}]},
    "JSON text": json.dumps(bundle(request()), indent=2),
    "JSON bytes with a mark": b"\xef\xbb\xbf" + json.dumps(request()).encode(),
    "NDJSON": json.dumps({"resourceType": "Patient", "id": "1"}) + "\n\r\n" + json.dumps(request()) + "\r\n",
    "an entry that is the resource": {"resourceType": "Bundle", "entry": [request()]},
    "an entry that is no array": {"resourceType": "Bundle", "entry": {"resource": request()}},
    "contained in another resource": {"resourceType": "CarePlan", "contained": [request()]},
}


@pytest.mark.parametrize("value", HOLDERS.values(), ids=HOLDERS)
def test_the_medicine_is_found_in_whatever_holds_it(value):
    report = checked(value)

    assert [flag.subject.id for flag in report.report.risks] == ["hydrochlorothiazide"]
    (origin,) = report.origins(report.report.risks[0])
    assert (origin.resource_type, origin.names) == ("MedicationRequest", ("HCTZ 25 mg",))


@pytest.mark.parametrize("value", [None, 5, 2.5, True, object(), {1, 2}])
def test_what_is_no_object_and_no_list_is_an_input_error(value):
    with pytest.raises(InputError, match=r"JSON object or a list"):
        check_fhir(value)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "empty"),
        ("{", "line 1"),
        ("hydrochlorothiazide", "line 1, column 1"),
        (b"\xff\xfe", "byte 1"),
        ('{"resourceType": "Patient"}\n{"resourceType": oops}', "line 2"),
        ('{"a":' * 100_000, "nested too deep"),
        ("[" + "9" * 5000 + "]", "too long"),
    ],
)
def test_a_text_that_is_no_json_is_an_input_error_that_names_the_place_only(text, where):
    with pytest.raises(InputError, match=where) as caught:
        check_fhir(text)
    assert "hydrochlorothiazide" not in str(caught.value)


def test_a_value_in_the_text_is_parsed_as_json():
    assert parsed('{"a": [1]}') == {"a": [1]}


def test_an_empty_bundle_gives_an_empty_report():
    report = checked({"resourceType": "Bundle", "type": "searchset"})

    assert report.entries == ()
    assert report.report.summary() == "The list is empty."


def test_resources_that_hold_no_medicine_are_counted_by_type():
    observation = {"resourceType": "Observation"}

    assert checked(bundle(observation, observation, request())).unread == {"Observation": 2}


def test_of_several_versions_the_newest_counts():
    old = request(meta={"lastUpdated": "2026-01-01T00:00:00Z"})
    new = request(status="stopped", meta={"lastUpdated": "2026-02-01T00:00:00Z"})

    assert only([old, new]).entry.standing is Standing.NOT_CURRENT
    assert only([new, old]).entry.standing is Standing.NOT_CURRENT


def test_of_a_history_the_first_version_counts():
    assert only(bundle(request(status="stopped"), request(), type="history")).entry.standing is Standing.NOT_CURRENT


def test_what_a_history_deletes_is_not_counted():
    deletion = {"request": {"method": "DELETE", "url": "MedicationRequest/m1"}}
    history = {"resourceType": "Bundle", "type": "history", "entry": [deletion, {"resource": request()}]}

    assert only(history).entry.reason == "deleted"


def test_what_was_deleted_and_written_again_counts():
    deletion = {"request": {"method": "DELETE", "url": "MedicationRequest/m1"}}
    history = {"resourceType": "Bundle", "type": "history", "entry": [{"resource": request()}, deletion]}

    assert only(history).counted


def test_two_that_nothing_tells_apart_are_both_read():
    report = checked([request("hctz"), request("furosemide")])

    assert {flag.subject.id for flag in report.report.risks} == {"hydrochlorothiazide", "furosemide"}


def test_one_medicine_in_several_resources_is_one_flag():
    report = checked([request(id="1"), request("hydrochlorothiazide 12.5", id="2")])

    (flag,) = report.report.risks
    assert [origin.reference for origin in report.origins(flag)] == ["MedicationRequest/1", "MedicationRequest/2"]


def test_a_cycle_of_values_ends():
    tied = bundle(request())
    tied["entry"].append({"resource": tied})
    tied["entry"][0]["resource"]["contained"] = [tied]

    assert only(tied).match.concepts == ("hydrochlorothiazide",)


def test_nesting_has_no_limit():
    value = request()
    for _ in range(20_000):
        value = bundle(value)

    assert len(resources_in(value).found) == 1


# ---------------------------------------------------------------------- references

LASIX = {"resourceType": "Medication", "id": "med", "code": {"text": "Lasix"}}


def refers(reference, **more):
    made = request(medicationReference=reference, **more)
    del made["medicationCodeableConcept"]
    return made


REFERENCES = {
    "contained": refers({"reference": "#med"}, contained=[LASIX]),
    "relative": bundle(LASIX, refers({"reference": "Medication/med"})),
    "of a version": bundle(LASIX, refers({"reference": "Medication/med/_history/3"})),
    "absolute": bundle(LASIX, refers({"reference": "https://example.org/fhir/Medication/med"})),
    "urn:uuid": {
        "resourceType": "Bundle",
        "entry": [
            {"fullUrl": "urn:uuid:1-2", "resource": {**LASIX, "id": "x"}},
            {"resource": refers({"reference": "urn:uuid:1-2"})},
        ],
    },
    "urn:uuid without fullUrl": bundle({**LASIX, "id": "1-2"}, refers({"reference": "urn:uuid:1-2"})),
    "logical": bundle(
        {**LASIX, "identifier": [{"system": "s", "value": "7"}]}, refers({"identifier": {"system": "s", "value": "7"}})
    ),
    "orphaned with a display": refers({"reference": "Medication/elsewhere", "display": "Lasix 40 mg"}),
    "R5": request(medication={"reference": {"reference": "#med"}}, medicationCodeableConcept=None, contained=[LASIX]),
    "a bare text": bundle(LASIX, refers("Medication/med")),
}


@pytest.mark.parametrize("value", REFERENCES.values(), ids=REFERENCES)
def test_a_reference_leads_to_its_medication(value):
    assert [match.concepts for match in checked(value).report.matches] == [("furosemide",)]


def test_a_reference_to_nothing_without_a_display_is_not_understood_and_says_so():
    report = checked(refers({"reference": "Medication/elsewhere"}))

    assert not report.complete
    assert any("refers to nothing" in warning.message for warning in report.warnings)


def test_contained_resources_of_others_are_not_mixed_up():
    one = refers({"reference": "#med"}, contained=[LASIX], id="1")
    other = refers({"reference": "#med"}, contained=[{**LASIX, "code": {"text": "warfarin"}}], id="2")

    assert [entry.match.concepts for entry in checked([one, other]).entries] == [("furosemide",), ("warfarin",)]


def test_ingredients_name_a_medication_that_has_no_name():
    mixture = {
        "resourceType": "Medication",
        "id": "med",
        "ingredient": [
            {"itemCodeableConcept": {"text": "salbutamol"}},
            {"item": {"concept": {"text": "ipratropium"}}},
            {"itemCodeableConcept": {"text": "lactose"}, "isActive": False},
        ],
    }

    assert [match.concepts for match in checked(bundle(mixture, refers({"reference": "Medication/med"}))).report.matches] == [
        ("salbutamol",),
        ("ipratropium",),
    ]


def test_an_ingredient_that_the_name_does_not_tell_is_an_entry_of_its_own():
    mixture = {
        "resourceType": "Medication",
        "id": "med",
        "code": {"text": "prednisolone mixture"},
        "ingredient": [{"itemCodeableConcept": {"text": name}} for name in ("prednisolone", "hydrochlorothiazide")],
    }
    report = checked(bundle(mixture, refers({"reference": "Medication/med"})))

    assert "hydrochlorothiazide" in {flag.subject.id for flag in report.report.risks}


def test_ingredients_do_not_hide_that_a_name_and_a_code_contradict_each_other():
    product = {
        "resourceType": "Medication",
        "id": "med",
        "code": {"text": "furosemide 40 mg", "coding": [{"system": RXNORM, "code": "5487"}]},
        "ingredient": [{"itemCodeableConcept": {"text": "warfarin"}}],
    }
    report = checked(bundle(product, refers({"reference": "Medication/med"})))

    assert not report.complete
    assert report.entries[0].match.status == "ambiguous"


def test_ingredients_do_not_hide_a_name_of_several_meanings():
    product = {"resourceType": "Medication", "id": "med", "code": {"text": "HCT 25"}}
    product["ingredient"] = [{"itemCodeableConcept": {"text": "warfarin"}}]

    assert not checked(bundle(product, refers({"reference": "Medication/med"}))).complete


def test_ingredients_in_a_cycle_end():
    one = {"resourceType": "Medication", "id": "1", "ingredient": [{"itemReference": {"reference": "Medication/2"}}]}
    two = {
        "resourceType": "Medication",
        "id": "2",
        "code": {"text": "hctz"},
        "ingredient": [{"itemReference": {"reference": "Medication/1"}}],
    }

    report = checked(bundle(one, two, refers({"reference": "Medication/1"})))

    assert [flag.subject.id for flag in report.report.risks] == ["hydrochlorothiazide"]


def test_a_medication_that_nothing_refers_to_is_uncertain():
    (flag,) = checked(bundle({**LASIX, "code": {"text": "hctz"}})).report.risks

    assert flag.uncertain


# ---------------------------------------------------------------------- names and codes


def test_names_stand_in_the_order_of_trust():
    codings = [{"display": "second"}, {"display": "selected", "userSelected": True}]
    reference = {"display": "of the reference"}
    entry = only(named({"text": "first", "coding": codings}, medicationReference=reference))

    assert entry.entry.names == ("first", "selected", "second", "of the reference")


def test_a_name_that_is_understood_comes_before_one_that_is_not():
    entry = only(named({"text": "water pill no 7", "coding": [{"display": "hydrochlorothiazide 25 mg"}]}))

    assert entry.match.concepts == ("hydrochlorothiazide",)
    assert entry.match.complete


CODES = [
    (RXNORM, "5487", "hydrochlorothiazide"),
    ("urn:oid:2.16.840.1.113883.6.88", "5487", "hydrochlorothiazide"),
    (RXNORM, "310798", "hydrochlorothiazide"),
    (RXNORM, 310798, "hydrochlorothiazide"),
    ("http://www.whocc.no/atc", "C03AA03", "hydrochlorothiazide"),
    ("http://www.whocc.no/atc|2024", "c03aa03", "hydrochlorothiazide"),
    (SNOMED, "387475002", "furosemide"),
    ("http://snomed.info/sct/83821000000107", "387475002", "furosemide"),
    ("https://dmd.nhs.uk", "387475002", "furosemide"),
]


@pytest.mark.parametrize(("system", "code", "concept"), CODES)
def test_a_medicine_is_known_by_its_code_alone(system, code, concept):
    entry = only(named({"coding": [{"system": system, "code": code}]}))

    assert entry.match.concepts == (concept,)
    assert str(code).upper() in entry.match.text.upper()


@pytest.mark.parametrize(
    ("system", "code"),
    [
        ("http://hl7.org/fhir/sid/icd-10-cm", "E11.9"),
        ("http://hl7.org/fhir/sid/icd-10", "E11"),
        ("2.16.840.1.113883.6.90", "E119"),
        ("urn:oid:2.16.840.1.113883.6.3", "E11"),
    ],
)
def test_a_condition_is_known_by_its_code_alone(system, code):
    assert only(condition(code={"coding": [{"system": system, "code": code}]})).match.concepts == ("type-2-diabetes",)


def test_the_name_that_says_more_is_read():
    coding = [{"display": "lisinopril 10 mg / hydrochlorothiazide 12.5 mg"}]

    assert set(only(named({"text": "lisinopril", "coding": coding})).match.concepts) == {"lisinopril", "hydrochlorothiazide"}


def test_an_ndc_is_known_through_the_codes_of_a_formulary(tmp_path):
    from cramprisk.checker import load_tables

    (tmp_path / "product_codes.csv").write_text("system,code,ingredients\nndc,00071015523,atorvastatin\n", "utf-8")
    checker = Checker(load_tables(extra=tmp_path))
    coding = {"system": "http://hl7.org/fhir/sid/ndc", "code": "0071-0155-23"}

    assert only(named({"coding": [coding]}), checker=checker).match.concepts == ("atorvastatin",)


def test_an_unknown_code_beside_a_known_name_is_passed_over():
    entry = only(named({"text": "hctz", "coding": [{"system": RXNORM, "code": "99999999"}]}))

    assert entry.match.concepts == ("hydrochlorothiazide",)
    assert entry.match.complete


def test_an_unknown_code_alone_is_not_understood():
    entry = only(named({"coding": [{"system": RXNORM, "code": "99999999"}]}))

    assert entry.match.not_understood == ("RxCUI 99999999",)


def test_a_code_of_an_unknown_system_is_shown_and_not_read():
    entry = only(named({"coding": [{"system": "urn:local", "code": "5487"}]}))

    assert entry.match.status == "unrecognised"
    assert entry.match.text == "urn:local 5487"


def test_a_code_and_a_name_that_contradict_each_other_are_reported():
    report = checked(named({"text": "furosemide 40 mg", "coding": [{"system": RXNORM, "code": "310798"}]}))

    assert report.entries[0].warnings == ("a code and a name contradict each other",)
    assert {concept for one in report.entries[0].match.candidates for concept in one.concepts} == {
        "furosemide",
        "hydrochlorothiazide",
    }
    assert not report.report.flags
    assert not report.complete


def test_a_condition_whose_code_contradicts_its_name_keeps_the_code_and_says_so():
    code = {"text": "gout", "coding": [{"system": SNOMED, "code": "230690007"}]}
    entry = only(condition(code=code))

    assert (entry.match.concepts, entry.match.complete) == (("stroke",), False)
    assert entry.warnings == ("a code and a name contradict each other",)


def test_two_names_that_contradict_each_other_are_reported():
    report = checked(named({"text": "furosemide 40 mg", "coding": [{"display": "warfarin 5 mg"}]}))

    assert report.entries[0].warnings == ("two names contradict each other",)
    assert not report.report.flags
    assert not report.complete


def test_two_codes_that_contradict_each_other_decide_nothing():
    codings = [{"system": RXNORM, "code": "5487"}, {"system": SNOMED, "code": "387475002"}]
    entry = only(named({"coding": codings}))

    assert entry.match.status == "ambiguous"
    assert entry.match.concepts == ()
    assert entry.warnings == ("two codes contradict each other",)


def test_a_code_settles_a_name_of_several_meanings():
    entry = only(named({"text": "HCT 25", "coding": [{"system": RXNORM, "code": "5487"}]}))

    assert entry.match.concepts == ("hydrochlorothiazide",)
    assert entry.match.complete


def test_the_words_qualify_what_the_code_cannot():
    code = {"text": "History of stroke", "coding": [{"system": SNOMED, "code": "230690007"}]}
    (flag,) = (flag for flag in checked(condition(code=code)).report.flags if flag.subject.id == "stroke")

    assert flag.uncertain


def test_a_condition_of_several_meanings_is_read_by_the_others():
    report = checked([condition("PD", id="1"), condition("Parkinson's disease", id="2")])

    assert [match.concepts for match in report.report.matches] == [("parkinsons-disease",)] * 2


def test_the_tag_of_a_code_system_is_no_word_of_the_name():
    assert only(condition("Anemia (disorder)")).match.complete


@pytest.mark.parametrize("code", ["787481004", "no-known-medications"])
def test_a_statement_that_there_is_nothing_is_understood(code):
    report = checked(named({"coding": [{"code": code, "display": "No known medications"}]}))

    assert report.complete
    assert not report.report.flags


@pytest.mark.parametrize(
    "concept",
    [
        {"text": "hctz 25 mg", "coding": [{"code": "no-known-medications"}]},
        {"coding": [{"code": "787481004"}, {"system": RXNORM, "code": "5487"}]},
    ],
)
def test_a_medicine_beside_a_statement_that_there_is_nothing_is_not_lost(concept):
    report = checked(named(concept))

    assert not report.complete
    assert report.entries[0].warnings == ("a code says that there is nothing, and a name or code that there is",)


# ---------------------------------------------------------------------- statuses

MEDICINES = [
    ("MedicationRequest", {"status": "active"}, "current"),
    ("MedicationRequest", {"status": "active", "intent": "plan"}, "current"),
    ("MedicationRequest", {"status": "active", "intent": "proposal"}, "planned"),
    ("MedicationRequest", {"status": "draft"}, "planned"),
    ("MedicationRequest", {"status": "on-hold"}, "not-current"),
    ("MedicationRequest", {"status": "completed"}, "not-current"),
    ("MedicationRequest", {"status": "ended"}, "not-current"),
    ("MedicationRequest", {"status": "stopped"}, "not-current"),
    ("MedicationRequest", {"status": "cancelled"}, "not-current"),
    ("MedicationRequest", {"status": "entered-in-error"}, "entered-in-error"),
    ("MedicationRequest", {"status": "unknown"}, "uncertain"),
    ("MedicationRequest", {"status": "quite new"}, "uncertain"),
    ("MedicationRequest", {"status": None}, "current"),
    ("MedicationRequest", {"status": ["active"]}, "current"),
    ("MedicationRequest", {"status": "active", "doNotPerform": True}, "absent"),
    ("MedicationOrder", {"status": "active"}, "current"),
    ("MedicationStatement", {"status": "active"}, "current"),
    ("MedicationStatement", {"status": "recorded"}, "current"),
    ("MedicationStatement", {"status": "not-taken"}, "absent"),
    ("MedicationStatement", {"status": "intended"}, "planned"),
    ("MedicationStatement", {"status": "completed"}, "not-current"),
    ("MedicationStatement", {"status": "active", "taken": "n"}, "absent"),
    ("MedicationStatement", {"status": "active", "wasNotTaken": True}, "absent"),
    ("MedicationStatement", {"status": "recorded", "adherence": {"code": {"coding": [{"code": "not-taking"}]}}}, "absent"),
    (
        "MedicationStatement",
        {"status": "recorded", "adherence": {"code": {"coding": [{"code": "stopped-as-directed"}]}}},
        "not-current",
    ),
    ("MedicationStatement", {"status": "recorded", "adherence": {"code": {"text": "unknown"}}}, "uncertain"),
    ("MedicationStatement", {"status": "active", "effectivePeriod": {"start": "2020-01-01", "end": "2020-02"}}, "uncertain"),
    ("MedicationStatement", {"status": "active", "effectivePeriod": {"start": "2020-01-01", "end": "2026"}}, "current"),
    ("MedicationAdministration", {"status": "completed"}, "uncertain"),
    ("MedicationAdministration", {"status": "in-progress"}, "current"),
    ("MedicationAdministration", {"status": "not-done"}, "absent"),
    ("MedicationAdministration", {"status": "completed", "wasNotGiven": True}, "absent"),
    ("MedicationDispense", {"status": "completed"}, "uncertain"),
    ("MedicationDispense", {"status": "completed", "whenHandedOver": "2026-11-01", "daysSupply": {"value": 28}}, "current"),
    ("MedicationDispense", {"status": "completed", "whenHandedOver": "2026-01-01", "daysSupply": {"value": 28}}, "not-current"),
    ("MedicationDispense", {"status": "declined"}, "absent"),
    ("MedicationDispense", {"status": "preparation"}, "planned"),
]


@pytest.mark.parametrize(("kind", "said", "standing"), MEDICINES)
def test_a_status_says_how_a_medicine_stands(kind, said, standing):
    entry = only(request(resourceType=kind, **said))

    assert entry.entry.standing == standing
    assert entry.counted is (standing in COUNTED)
    assert entry.match.concepts == ("hydrochlorothiazide",)
    assert bool(entry.entry.reason) is (standing != "current")


CONDITIONS = [
    ({}, "current"),
    ({"clinicalStatus": None}, "current"),
    ({"clinicalStatus": "active"}, "current"),
    ({"clinicalStatus": {"coding": [{"code": "recurrence"}]}}, "current"),
    ({"clinicalStatus": {"coding": [{"code": "resolved"}]}}, "not-current"),
    ({"clinicalStatus": {"coding": [{"code": "remission"}]}}, "not-current"),
    ({"clinicalStatus": {"text": "Inactive"}}, "not-current"),
    ({"clinicalStatus": {"coding": [{"code": "odd"}]}}, "uncertain"),
    ({"verificationStatus": {"coding": [{"code": "refuted"}]}}, "absent"),
    ({"verificationStatus": {"coding": [{"code": "entered-in-error"}]}}, "entered-in-error"),
    ({"verificationStatus": {"coding": [{"code": "provisional"}]}}, "uncertain"),
    ({"verificationStatus": {"coding": [{"code": "differential"}]}}, "uncertain"),
    ({"verificationStatus": "unconfirmed"}, "uncertain"),
    ({"abatementDateTime": "2020-01-01"}, "uncertain"),
    ({"clinicalStatus": None, "abatementString": "last year"}, "not-current"),
]


@pytest.mark.parametrize(("said", "standing"), CONDITIONS)
def test_a_status_says_how_a_condition_stands(said, standing):
    entry = only(condition(**said))

    assert entry.entry.standing == standing
    assert entry.counted is (standing in COUNTED)


def test_an_uncertain_entry_is_flagged_as_uncertain():
    (flag,) = checked(request(status="unknown")).report.risks

    assert flag.uncertain


def test_a_draft_counts_where_drafts_are_asked_about():
    report = checked(request(status="draft"), counted=COUNTED | {Standing.PLANNED})

    assert [flag.subject.id for flag in report.report.risks] == ["hydrochlorothiazide"]


def test_an_allergy_is_shown_and_not_taken():
    report = checked({"resourceType": "AllergyIntolerance", "code": {"text": "hctz"}})

    assert not report.report.flags
    assert report.not_counted[0].entry.standing is Standing.ALLERGY


def test_what_does_not_count_and_is_not_understood_leaves_the_report_complete():
    report = checked([request("xyzzy", status="stopped"), {"resourceType": "AllergyIntolerance", "code": {"text": "xyzzy"}}])

    assert report.complete


def test_what_counts_and_is_not_understood_is_unresolved():
    report = checked(request("xyzzy"))

    assert [one.entry.reference for one in report.unresolved] == ["MedicationRequest/m1"]


def test_a_missing_status_is_a_warning():
    made = request()
    del made["status"]

    assert [(warning.path, warning.message) for warning in checked(made).warnings] == [
        ("MedicationRequest.status", "is missing; read as current.")
    ]


def test_a_request_without_a_medicine_is_not_understood():
    made = request()
    del made["medicationCodeableConcept"]
    report = checked(made)

    assert not report.complete
    assert report.warnings[-1].message == "has neither a name nor a code."


# ---------------------------------------------------------------------- lists


def a_list(*entries, **more):
    return {"resourceType": "List", "status": "current", "code": {"coding": [{"code": "10160-0"}]}, "entry": list(entries)} | more


def test_an_item_of_a_list_that_leads_nowhere_is_read_by_its_display():
    entry = only(a_list({"item": {"reference": "MedicationStatement/9", "display": "hctz"}}))

    assert (entry.match.concepts, entry.entry.reference) == (("hydrochlorothiazide",), "MedicationStatement/9")


def test_an_item_that_leads_to_a_request_is_read_once():
    assert (
        only(bundle(request(), a_list({"item": {"reference": "MedicationRequest/m1"}}))).entry.resource_type
        == "MedicationRequest"
    )


def test_an_item_that_leads_to_a_medication_is_read():
    assert only(bundle(LASIX, a_list({"item": {"reference": "Medication/med"}}))).match.concepts == ("furosemide",)


def test_an_item_that_was_taken_off_the_list_is_not_counted():
    assert not only(a_list({"item": {"display": "hctz"}, "deleted": True})).counted


def test_an_item_of_a_problem_list_is_a_condition():
    problems = a_list({"item": {"display": "T2DM"}}, code={"coding": [{"code": "11450-4"}]})

    assert only(problems).match.concepts == ("type-2-diabetes",)


def test_an_item_that_may_be_anything_is_a_warning():
    report = checked(a_list({"item": {"display": "hctz"}}, code=None))

    assert report.entries == ()
    assert any("cannot be told" in warning.message for warning in report.warnings)


# ---------------------------------------------------------------------- the person


@pytest.mark.parametrize(
    ("born", "age"),
    [
        ("1966-11-21", 60),
        ("1966-11-22", 59),
        ("1966", 59),
        ("1966-10", 60),
        ("2026", 0),
        ("2030-01-01", None),
        ("1700", None),
        ("x", None),
        (5, None),
    ],
)
def test_the_age_is_that_which_has_surely_been_reached(born, age):
    patient = {"resourceType": "Patient", "id": "1", "birthDate": born, "gender": "male"}

    assert checked([patient, request()]).report.context.age == age


def test_age_and_sex_are_risk_factors():
    patient = {"resourceType": "Patient", "id": "1", "birthDate": "1950-01-01", "gender": "female"}

    assert [flag.context for flag in checked(patient).report.risks] == ["age 76", "sex female"]


def test_the_days_of_a_medicine_stand_beside_its_flag():
    report = checked([request(authoredOn="2026-01-05")], cramps_since="2026-03-01")

    assert report.report.risks[0].timing == "started-before"


def test_a_year_does_not_say_what_came_first_within_it():
    report = checked([request(authoredOn="2026")], cramps_since="2026-03-01")

    assert report.report.risks[0].timing == "unknown"


def test_a_schedule_bounds_a_medicine():
    dosage = {"timing": {"repeat": {"boundsPeriod": {"start": "2026-01-01", "end": "2026-12-31"}}}}
    entry = only(request(dosageInstruction=[dosage], authoredOn="2020-01-01"))

    assert (entry.entry.start, entry.entry.stop) == ("2026-01-01", "2026-12-31")


def test_an_end_before_the_beginning_is_a_warning():
    report = checked(request(resourceType="MedicationStatement", effectivePeriod={"start": "2026-05-01", "end": "2026-04-01"}))

    assert any("ends before it begins" in warning.message for warning in report.warnings)


@pytest.mark.parametrize("text", ["", "2026-13-01", "yesterday", "2026-1", "20", "+2026-01-01", "2026-02-30T00:00"])
def test_what_is_no_date_is_no_day(text):
    assert day_of(text) is None


# ---------------------------------------------------------------------- several patients

TWO = [
    {"resourceType": "Patient", "id": "a"},
    {"resourceType": "Patient", "id": "b"},
    request(id="1", subject={"reference": "Patient/a"}),
    request("furosemide", id="2", subject={"reference": "https://example.org/fhir/Patient/b"}),
]


def test_two_patients_are_never_one_list():
    report = checked(TWO)

    assert [flag.subject.id for flag in report.report.risks] == ["hydrochlorothiazide"]
    assert report.entries[1].entry.standing is Standing.OTHER_PATIENT
    assert any("2 patients" in warning.message for warning in report.warnings)


def test_a_patient_can_be_chosen():
    assert [flag.subject.id for flag in checked(TWO, patient="b").report.risks] == ["furosemide"]


def test_a_patient_that_is_not_there_is_an_input_error():
    with pytest.raises(InputError, match="patient"):
        checked(TWO, patient="c")


def test_each_patient_has_a_report():
    reports = list(check_fhir_each(TWO, on=ON))

    assert [(one.patient_reference, [flag.subject.id for flag in one.report.risks]) for one in reports] == [
        ("Patient/a", ["hydrochlorothiazide"]),
        ("Patient/b", ["furosemide"]),
    ]


def test_what_names_no_patient_among_several_is_a_report_of_its_own():
    reports = list(check_fhir_each([*TWO, request("salbutamol", id="3")], on=ON))

    assert [len(one.entries) for one in reports] == [1, 1, 1]
    assert reports[2].patient_reference is None


def test_a_report_has_no_truth_value():
    with pytest.raises(TypeError, match="truth value"):
        bool(checked(request()))


def test_the_dictionary_is_that_of_the_report_with_the_resources_beside():
    made = checked(request()).to_dict()

    assert made["fhir"]["entries"][0]["reference"] == "MedicationRequest/m1"
    assert made["flags"][0]["subject"]["id"] == "hydrochlorothiazide"


def test_what_was_not_counted_stands_in_text_and_page():
    report = checked(request("<b>hctz</b>", status="stopped"))

    assert "Read, and not counted" in report.to_text()
    assert "stopped" in report.to_html()
    assert "<b>hctz</b>" not in report.to_html()
    assert "<b>hctz</b>" not in report._repr_html_()


@pytest.mark.parametrize(
    "twice",
    [
        '"medicationCodeableConcept": {"text": "Lasix"}, "medicationCodeableConcept": {"text": "quinine"}',
        '"medicationCodeableConcept": {"text": "Lasix", "text": "quinine"}',
        '"medicationCodeableConcept": {"text": ["Lasix", "quinine"]}',
    ],
)
def test_of_a_name_that_comes_twice_no_value_is_taken_for_the_whole(twice):
    checked = check_fhir(f'{{"resourceType": "MedicationRequest", "status": "active", {twice}}}')

    assert not checked.complete
    assert [one.match.concepts for one in checked.entries] == [()]


def test_of_entries_that_come_twice_in_a_bundle_all_are_read():
    entry = '"entry": [{{"resource": {{"resourceType": "Condition", "id": "{0}", "code": {{"text": "{0}"}}}}}}]'

    checked = check_fhir(f'{{"resourceType": "Bundle", {entry.format("gout")}, {entry.format("diabetes")}}}')

    assert [one.match.text for one in checked.entries] == ["gout", "diabetes"]


@pytest.mark.parametrize("kind", ["Miller", "miller", "Miller Anna"])
def test_a_type_that_is_a_name_is_no_part_of_a_warning(kind):
    checked = check_fhir({"resourceType": kind, "contained": ["x"]})

    assert [(one.path, "iller" in one.message) for one in checked.warnings] == [("%context.contained[0]", False)]


# ---------------------------------------------------------------------- what a checker of a service keeps


def test_what_is_remembered_changes_no_answer(checker):
    """The same thing comes again, as another kind too, and with one code more or less; there is room for two."""
    hctz = {"coding": [{"system": RXNORM, "code": "5487", "display": "hydrochlorothiazide"}]}
    record = bundle(
        named(hctz, id="1"),
        named(hctz | {"text": "furosemide 40 mg"}, id="2"),
        named(hctz, id="3"),
        condition("PD", id="4"),
        condition("Parkinson's disease", id="5"),
        request("PD", id="6"),
        condition("PD", id="7"),
        named({"coding": [{"system": RXNORM, "code": "5487", "display": "x" * 600}]}, id="8"),
    )
    keeping = Checker(checker.tables, remember=2)
    wanted = checked(record, checker=checker)

    assert checked(record, checker=keeping).entries == wanted.entries
    assert checked(record, checker=keeping).entries == wanted.entries


def test_no_more_is_remembered_than_was_asked_for(checker):
    keeping = Checker(checker.tables, remember=3)
    for number in range(10):
        checked(request(f"furosemide {number} mg"), checker=keeping)
        checked(request("furosemide " + "very " * 200 + str(number)), checker=keeping)

    known = _KNOWN[keeping]
    assert 0 < len(known) <= 3
    assert all(len(thing.names[0]) < 500 for thing, _ in known)
