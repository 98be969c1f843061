import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.hook_requests import bundle, condition, hook_request, order
from cramprisk.checker import Checker
from cramprisk.integrations.cds_hooks import SERVICES, HookError, discovery, handle, read_feedback
from cramprisk.integrations.cds_request import MAX_RESOURCES, PREFETCH
from cramprisk.integrations.markdown import escaped
from tests.cds_rules import RULES, broken


def cards(request):
    body = handle(request)
    assert not broken(body)
    return body["cards"]


def topics(request):
    return [card["source"]["topic"]["code"] for card in cards(request)]


def said(request):
    return "\n".join(card["summary"] + "\n" + card["detail"] for card in cards(request))


def refused(request):
    with pytest.raises(HookError) as caught:
        handle(request)
    return caught.value


# ---------------------------------------------------------------------- discovery


def test_each_hook_has_one_service_with_an_id_of_its_own():
    services = discovery()["services"]

    assert [service["hook"] for service in services] == ["patient-view", "order-select", "order-sign"]
    assert [service["id"] for service in services] == list(SERVICES)


def test_a_service_says_what_the_specification_asks_for():
    for service in discovery()["services"]:
        assert all(
            isinstance(service[key], str) and service[key] for key in ("hook", "title", "description", "id", "usageRequirements")
        )
        assert service["prefetch"] == dict(PREFETCH)


def test_prefetch_templates_name_only_tokens_that_every_hook_has():
    for template in PREFETCH.values():
        assert template.count("{{") == 1
        assert "{{context.patientId}}" in template


def test_prefetch_templates_keep_to_the_recommended_searches():
    assert all(
        not {":", "_include", "_revinclude"} & set(template.replace("?", "&").split("&")) for template in PREFETCH.values()
    )
    assert not any("_include" in template or ":not" in template for template in PREFETCH.values())


# ---------------------------------------------------------------------- cards


def test_patient_view_speaks_about_the_whole_list():
    cards_ = cards(hook_request("patient-view", ["HCTZ 25 mg", "warfarin"], ["peripheral neuropathy"]))

    assert [card["source"]["topic"]["code"] for card in cards_] == ["reported-with-cramps"]
    assert "hydrochlorothiazide" in cards_[0]["detail"]
    assert "peripheral neuropathy" in cards_[0]["detail"]
    assert "Garrison" in cards_[0]["detail"]


def test_there_are_no_cards_only_where_all_was_understood_and_nothing_is_to_be_said():
    assert handle(hook_request("patient-view", ["warfarin 3 mg"], [])) == {"cards": []}
    assert handle(hook_request("order-sign", [], [], ["warfarin 3 mg"])) == {"cards": []}


def test_an_empty_list_gives_no_cards():
    assert handle(hook_request("patient-view", [], [])) == {"cards": []}


@pytest.mark.parametrize("hook", ["patient-view", "order-sign"])
def test_an_entry_that_is_not_understood_is_never_passed_over(hook):
    request = (
        hook_request(hook, ["zzyzxqqq 5 mg"], []) if hook == "patient-view" else hook_request(hook, [], [], ["zzyzxqqq 5 mg"])
    )

    found = cards(request)

    assert [(card["indicator"], card["source"]["topic"]["code"]) for card in found] == [("info", "not-understood")]
    assert "zzyzxqqq" in found[0]["detail"]
    assert "zzyzxqqq" not in found[0]["summary"]


def test_a_resource_without_a_name_is_not_understood():
    request = hook_request("patient-view", ["warfarin"], [])
    del request["prefetch"]["medications"]["entry"][0]["resource"]["medicationCodeableConcept"]

    assert topics(request) == ["not-understood"]


def test_order_sign_speaks_about_the_drafts_only():
    text = said(hook_request("order-sign", ["atorvastatin 20 mg"], ["peripheral neuropathy"], ["HCTZ 25 mg"]))

    assert "hydrochlorothiazide" in text
    assert "atorvastatin" not in text
    assert "neuropathy" not in text


def test_order_select_speaks_about_the_selected_drafts_only():
    text = said(hook_request("order-select", [], [], ["HCTZ 25 mg", "atorvastatin 20 mg"], selected=[1]))

    assert "atorvastatin" in text
    assert "hydrochlorothiazide" not in text


def test_a_draft_that_matters_together_with_what_is_on_record_is_warned_of():
    found = cards(hook_request("order-sign", ["Ventolin HFA"], [], ["HCTZ 25 mg"]))

    assert [(card["indicator"], card["source"]["topic"]["code"]) for card in found] == [
        ("warning", "matter-together"),
        ("info", "reported-with-cramps"),
    ]


def test_what_matters_together_on_record_alone_is_not_said_about_a_draft():
    assert topics(hook_request("order-sign", ["Ventolin HFA", "HCTZ 25 mg"], [], ["warfarin"])) == []


def test_drafts_that_are_not_selected_matter_together_with_those_that_are():
    assert "matter-together" in topics(hook_request("order-select", [], [], ["HCTZ 25 mg", "Ventolin HFA"], selected=[1]))


def test_other_entries_not_understood_are_counted_beside_a_draft_and_not_named():
    found = cards(hook_request("order-sign", ["zzyzxqqq 5 mg"], [], ["warfarin"]))

    assert [card["source"]["topic"]["code"] for card in found] == ["not-understood"]
    assert "1 other entry on record" in found[0]["summary"]
    assert "zzyzxqqq" not in found[0]["detail"]


def test_drafts_without_a_medicine_are_nothing_to_speak_about():
    request = hook_request("order-sign", ["zzyzxqqq 5 mg"], [], [])
    request["context"]["draftOrders"]["entry"] = [{"resource": {"resourceType": "NutritionOrder", "id": "1", "status": "draft"}}]

    assert handle(request) == {"cards": []}


def test_a_strong_finding_warns_where_cramps_are_on_the_list():
    without = cards(hook_request("order-sign", [], [], ["HCTZ 25 mg"]))
    with_cramps = cards(hook_request("order-sign", [], ["nocturnal leg cramps"], ["HCTZ 25 mg"]))

    assert [card["indicator"] for card in without] == ["info"]
    assert [card["indicator"] for card in with_cramps] == ["warning"]


def test_a_medicine_that_an_authority_advises_against_warns():
    found = cards(hook_request("order-sign", [], [], ["quinine sulfate 200 mg"]))

    assert [(card["indicator"], card["source"]["topic"]["code"]) for card in found] == [("warning", "used-against-cramps")]


def test_a_stopped_medicine_is_not_flagged():
    request = hook_request("patient-view", ["HCTZ 25 mg"], [])
    request["prefetch"]["medications"]["entry"][0]["resource"]["status"] = "stopped"

    assert handle(request) == {"cards": []}


def test_an_order_that_is_cancelled_on_signing_is_not_flagged():
    request = hook_request("order-sign", [], [], ["HCTZ 25 mg"])
    request["context"]["draftOrders"]["entry"][0]["resource"]["status"] = "cancelled"

    assert handle(request) == {"cards": []}


def test_an_order_that_is_revised_counts_as_its_draft():
    request = hook_request("order-sign", ["HCTZ 25 mg"], [], ["warfarin"])
    request["prefetch"]["medications"]["entry"][0]["resource"]["id"] = "100"

    assert handle(request) == {"cards": []}


def test_age_and_sex_alone_make_no_card():
    assert handle(hook_request("patient-view", ["warfarin"], []))["cards"] == []


def test_equal_requests_give_equal_responses():
    request = hook_request("order-sign", ["Ventolin"], [], ["HCTZ 25 mg"])

    assert handle(request) == handle(copy.deepcopy(request))


def test_another_call_gives_cards_with_other_uuids():
    one = hook_request("order-sign", [], [], ["HCTZ 25 mg"])
    other = {**one, "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2eb"}

    assert cards(one)[0]["uuid"] != cards(other)[0]["uuid"]


def test_a_request_is_left_as_it_was():
    request = hook_request("order-select", ["Ventolin"], ["T2DM"], ["HCTZ 25 mg"])
    before = copy.deepcopy(request)

    handle(request)

    assert request == before


def test_links_lead_to_the_sources():
    links = cards(hook_request("order-sign", [], [], ["HCTZ 25 mg"]))[0]["links"]

    assert {"https://doi.org/10.1001/archinternmed.2011.1029"} <= {link["url"] for link in links}


def test_a_flag_can_be_overridden_with_a_reason():
    card = cards(hook_request("order-sign", [], [], ["HCTZ 25 mg"]))[0]

    assert "tolerated" in {reason["code"] for reason in card["overrideReasons"]}


def test_the_address_of_a_source_is_shown_if_it_is_given():
    body = handle(hook_request("order-sign", [], [], ["HCTZ 25 mg"]), source_url="https://cds.example.org/about")

    assert body["cards"][0]["source"]["url"] == "https://cds.example.org/about"


def test_long_lists_are_cut_in_the_summary_and_whole_in_the_detail():
    names = [row["name"] for row in Checker.default().tables.rows("drugs.csv")]
    flagged = [flag.subject.name for flag in Checker.default().check(names[:600]).risks]
    card = next(
        card for card in cards(hook_request("patient-view", flagged[:25], [])) if "reported" in card["source"]["topic"]["code"]
    )

    assert all(name in card["detail"].replace("\\", "") for name in flagged[:25])


# ---------------------------------------------------------------------- names of other people


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "[click](javascript:alert(1))",
        "![x](https://evil.example/x.png)",
        "**bold** zzyzx",
        "`code` zzyzx",
    ],
)
def test_a_name_does_nothing_in_a_card(name):
    text = said(hook_request("order-sign", [], [], [name]))

    assert name not in text
    assert "<" not in text
    assert "](javascript" not in text
    assert "https://evil" not in text


@given(st.text(max_size=300))
def test_escaped_text_holds_no_markup_and_one_line(text):
    shown = escaped(text)

    assert not set(shown) & set('<>\n\r"')
    bare = shown.replace("\\\\", "")
    for sign in "`*_[]~|":
        assert bare.count(sign) == bare.count(f"\\{sign}")
    assert "://" not in shown


# ---------------------------------------------------------------------- what is refused


def test_prefetch_data_that_is_missing_is_asked_for_with_412():
    request = hook_request("patient-view", ["warfarin"], [])
    for missing in ("medications", "conditions"):
        without = {**request, "prefetch": {key: value for key, value in request["prefetch"].items() if key != missing}}

        assert refused(without).status == 412
    assert refused({key: value for key, value in request.items() if key != "prefetch"}).status == 412


def test_null_prefetch_is_an_empty_list_and_no_missing_one():
    request = hook_request("patient-view", ["warfarin"], ["fracture of wrist"])
    request["prefetch"] = dict.fromkeys(PREFETCH)

    assert handle(request) == {"cards": []}


def test_statements_may_stand_in_for_medications():
    request = hook_request("patient-view", ["HCTZ 25 mg"], [])
    request["prefetch"]["statements"] = request["prefetch"].pop("medications")

    assert topics(request) == ["reported-with-cramps"]


def test_prefetch_that_failed_is_missing():
    request = hook_request("patient-view", ["warfarin"], [])
    request["prefetch"]["conditions"] = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "exception"}],
    }

    assert refused(request).status == 412


def test_prefetch_that_failed_beside_what_is_needed_is_said():
    request = hook_request("patient-view", ["warfarin"], [])
    request["prefetch"]["statements"] = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "exception"}],
    }

    assert topics(request) == ["not-understood"]


def test_a_first_page_is_not_taken_for_the_whole():
    request = hook_request("patient-view", ["warfarin"], [])
    request["prefetch"]["medications"]["link"] = [{"relation": "next", "url": "https://ehr.example.org/next"}]

    assert topics(request) == ["not-understood"]


def test_resources_of_another_patient_are_left_out_and_said():
    request = hook_request("patient-view", ["HCTZ 25 mg", "warfarin"], [])
    request["prefetch"]["medications"]["entry"][0]["resource"]["subject"]["reference"] = "https://ehr.example.org/fhir/Patient/8"
    found = cards(request)

    assert [card["source"]["topic"]["code"] for card in found] == ["not-understood"]
    assert "another patient" in found[0]["detail"]


def test_a_prefetched_patient_who_is_another_is_left_aside_and_said():
    request = hook_request("patient-view", ["HCTZ 25 mg"], [])
    request["prefetch"]["patient"]["id"] = "8"

    assert topics(request) == ["not-understood", "reported-with-cramps"]


def test_resources_that_name_their_patient_otherwise_are_read():
    request = hook_request("patient-view", ["HCTZ 25 mg"], [])
    request["prefetch"]["patient"] = None
    request["prefetch"]["medications"]["entry"][0]["resource"]["subject"] = {
        "reference": "urn:uuid:d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
    }

    assert topics(request) == ["reported-with-cramps"]


def test_a_selection_that_names_no_draft_is_said():
    request = hook_request("order-select", [], [], ["warfarin"])
    request["context"]["selections"] = ["MedicationRequest/elsewhere"]

    assert topics(request) == ["not-understood"]


@pytest.mark.parametrize(
    "form",
    ["MedicationRequest/100", "https://ehr.example.org/fhir/MedicationRequest/100", "100", "MedicationRequest/100/_history/2"],
)
def test_selections_are_found_however_they_are_written(form):
    request = hook_request("order-select", [], [], ["HCTZ 25 mg"])
    request["context"]["selections"] = [form]

    assert topics(request) == ["reported-with-cramps"]


WRONG = {
    "not an object": lambda request: [],
    "no hook": lambda request: {**request, "hook": None},
    "a hook of others": lambda request: {**request, "hook": "encounter-start"},
    "no instance": lambda request: {key: value for key, value in request.items() if key != "hookInstance"},
    "an instance that is no UUID": lambda request: {**request, "hookInstance": "1"},
    "no context": lambda request: {**request, "context": None},
    "a context that is a list": lambda request: {**request, "context": []},
    "no user": lambda request: {**request, "context": {**request["context"], "userId": ""}},
    "no patient": lambda request: {**request, "context": {**request["context"], "patientId": 7}},
    "an empty encounter": lambda request: {**request, "context": {**request["context"], "encounterId": ""}},
    "no drafts": lambda request: {**request, "context": {**request["context"], "draftOrders": None}},
    "drafts that are no Bundle": lambda request: {**request, "context": {**request["context"], "draftOrders": order(1, "x")}},
    "drafts without resources": lambda request: {**request, "context": {**request["context"], "draftOrders": {"resourceType": "Bundle", "entry": [{}]}}},
    "no selections": lambda request: {**request, "context": {**request["context"], "selections": []}},
    "selections that are no texts": lambda request: {**request, "context": {**request["context"], "selections": [1]}},
    "prefetch that is a list": lambda request: {**request, "prefetch": []},
    "prefetch that is no resource": lambda request: {**request, "prefetch": {**request["prefetch"], "medications": "x"}},
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_request_is_refused_with_400(what):
    error = refused(WRONG[what](hook_request("order-select", [], [], ["HCTZ 25 mg"])))

    assert error.status == 400
    assert error.to_dict()["resourceType"] == "OperationOutcome"


def test_an_error_repeats_nothing_of_the_request():
    request = hook_request("patient-view", ["warfarin"], [])
    for secret in ({"hook": "Mrs-Secret"}, {"hookInstance": "Mrs-Secret"}, {"context": {"userId": "Mrs-Secret"}}):
        assert "Secret" not in str(refused({**request, **secret}))


def test_too_many_resources_are_refused():
    request = hook_request("patient-view", ["warfarin"], [])
    request["prefetch"]["medications"] = bundle(*(order(n, "warfarin") for n in range(MAX_RESOURCES + 1)))

    assert refused(request).status == 413


def test_deep_nesting_is_refused():
    request = hook_request("patient-view", ["warfarin"], [])
    deep = {}
    for _ in range(500):
        deep = {"extension": [deep]}
    request["prefetch"]["patient"]["extension"] = [deep]

    assert refused(request).status == 400


def test_fields_of_version_3_and_extensions_are_borne():
    request = hook_request("order-sign", [], [], ["HCTZ 25 mg"])
    more = {
        **request,
        "extension": {"org.example": {"a": [1]}},
        "fhirServer": "https://ehr.example.org/fhir",
        "fhirAuthorization": {
            "access_token": "secret",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.rs",
            "subject": "x",
        },
        "version": "3.0",
    }

    assert handle(more) == handle(request)


# ---------------------------------------------------------------------- feedback


def test_feedback_is_counted_and_comments_are_not_kept():
    one = {"card": "c", "outcome": "overridden", "outcomeTimestamp": "2026-11-20T10:00:00Z"}
    reason = {"reason": {"code": "misread", "system": "urn:cramprisk:override-reason"}, "userComment": "Mrs Secret"}
    counts = read_feedback({"feedback": [one, {**one, "overrideReason": reason}, {**one, "outcome": "accepted"}]})

    assert counts == {"outcomes": {"overridden": 2, "accepted": 1}, "reasons": {"misread": 1}}


@pytest.mark.parametrize(
    "given_",
    [None, {}, {"feedback": []}, {"feedback": [1]}, {"feedback": [{"card": "c", "outcome": "ignored", "outcomeTimestamp": "t"}]}],
)
def test_wrong_feedback_is_refused(given_):
    with pytest.raises(HookError):
        read_feedback(given_)


# ---------------------------------------------------------------------- rules


@settings(max_examples=40)
@given(st.data())
def test_every_response_keeps_every_rule(data):
    checker = Checker.default()
    names = st.one_of(
        st.sampled_from(
            ["HCTZ 25", "Ventolin", "quinine", "warfarin", "lipitor 20", "digoxin", "zzyzxqqq", "prednisolne", "none", ""]
        ),
        st.text(max_size=40),
    )
    hook = data.draw(st.sampled_from(["patient-view", "order-select", "order-sign"]))
    drafts = None if hook == "patient-view" else data.draw(st.lists(names, min_size=1, max_size=3))
    request = hook_request(
        hook,
        data.draw(st.lists(names, max_size=4)),
        data.draw(st.lists(st.sampled_from(["T2DM", "leg cramps", "PD", "PAD"]), max_size=3)),
        drafts,
    )
    body = json.loads(json.dumps(handle(request, checker=checker)))

    assert broken(body) == []


def test_the_rules_find_what_breaks_them():
    good = handle(hook_request("order-sign", ["Ventolin"], [], ["HCTZ 25 mg"]))
    wrong = [
        ("indicator", "critical"),
        ("summary", "x" * 140),
        ("summary", ""),
        ("uuid", "1"),
        ("source", {"label": "x", "url": "cds", "topic": {"code": "a", "system": "b"}}),
        ("links", []),
        ("links", [{"label": "x", "url": "https://x", "type": "smart"}]),
        ("overrideReasons", [{"code": "a", "system": "b"}]),
        ("suggestions", [{"label": "x"}]),
        ("colour", "red"),
    ]
    assert len(RULES) > 12
    for key, value in wrong:
        body = copy.deepcopy(good)
        body["cards"][0][key] = value
        assert broken(body), key


def test_conditions_are_read_from_their_resources():
    request = hook_request("patient-view", [], [])
    request["prefetch"]["conditions"] = bundle(condition(1, "peripheral neuropathy"))

    assert topics(request) == ["reported-with-cramps"]
