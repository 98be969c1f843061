"""No FHIR input crashes or leaks: bundles broken at random. ``python -m bench.hostile_fhir`` is the long form."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bench import hostile_fhir
from bench.hostile_fhir import SECRET, a_bundle, broken_promises, mutated
from cramprisk.checker import Checker
from cramprisk.integrations.fhir import check_fhir
from cramprisk.integrations.fhir_codes import system_of
from cramprisk.integrations.fhir_read import resources_in

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ("resourceType", "entry", "resource", "contained", "code", "coding", "text", "status", "subject", "item")
            )
            | st.text(max_size=8),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(chance=st.randoms(use_true_random=False))
@settings(max_examples=80)
def test_a_broken_bundle_crashes_nothing_and_leaks_nothing(chance):
    assert broken_promises(mutated(a_bundle(), chance), Checker.default()) == []


@given(value=st.lists(json_values, max_size=3) | st.dictionaries(st.text(max_size=8), json_values, max_size=5))
@settings(max_examples=80)
def test_any_json_is_read(value):
    assert broken_promises(value, Checker.default()) == []


def test_the_bundle_that_is_broken_holds_no_mark_before():
    assert SECRET not in str(a_bundle())
    assert len(check_fhir(a_bundle(), on="2026-11-21").report.risks) > 4


def test_what_breaks_a_promise_is_told(monkeypatch):
    def crash(*_, **__):
        raise KeyError(SECRET)

    monkeypatch.setattr(hostile_fhir, "check_fhir", crash)

    assert broken_promises({}, Checker.default())[0].startswith("crashed")


@given(value=json_values)
def test_the_walk_finds_each_resource_once(value):
    resource = {"resourceType": "Basic", "id": "1", "content": value}

    assert len([one for one in resources_in([resource]).found if one.type == "Basic"]) >= 1


@given(text=st.text())
def test_a_system_is_known_or_empty(text):
    assert system_of(text) in ("", "rxcui", "ndc", "atc", "snomed", "icd10cm")
