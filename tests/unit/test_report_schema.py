"""The schema that ships with the package says what a report holds."""

import json
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cramprisk import check
from cramprisk.checker import Checker
from cramprisk.model import Direction, Grade, Kind, Method, Qualifier, Status
from tests.strategies import names, texts

SCHEMA = json.loads((files("cramprisk") / "report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)

LISTS = {
    "everything": (
        [
            "HCTZ",
            "lipitor 20",
            "Advair diskus",
            "quinine",
            "xyzzy",
            "Premarin cream",
            "HCT",
            "furosemdie",
            "",
            "stopped naproxen",
        ],
        ["T2DM", "ESRD on HD", "restless legs", "?PAD", "no gout"],
    ),
    "nothing flagged": (["warfarin"], []),
    "empty": ([], []),
}


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", LISTS)
def test_a_report_keeps_to_the_schema(name):
    VALIDATOR.validate(json.loads(check(*LISTS[name]).to_json()))


@settings(max_examples=60)
@given(
    drugs=st.lists(st.one_of(texts(), names(Kind.DRUG)), max_size=5),
    conditions=st.lists(st.one_of(texts(), names(Kind.CONDITION)), max_size=5),
)
def test_any_report_keeps_to_the_schema(drugs, conditions):
    VALIDATOR.validate(check(drugs, conditions).to_dict())


def test_every_flagged_subject_keeps_to_the_schema(checker):
    for (kind, subject), _ in checker.associations.items():
        if kind in ("drug", "class"):
            VALIDATOR.validate(check([checker.concept(subject).name]).to_dict())
        elif kind == "condition":
            VALIDATOR.validate(check([], [checker.concept(subject).name]).to_dict())


@pytest.mark.parametrize(
    ("name", "members"),
    [("grade", Grade), ("direction", Direction), ("kind", Kind), ("method", Method), ("qualifier", Qualifier)],
)
def test_the_schema_lists_the_values_of_the_model(name, members):
    assert SCHEMA["$defs"][name]["enum"] == [member.value for member in members]


def test_the_schema_lists_the_statuses():
    assert SCHEMA["$defs"]["match"]["properties"]["status"]["enum"] == [status.value for status in Status]


@pytest.mark.parametrize("change", [{"risk_score": 5}, {"complete": "yes"}, {"tables_digest": "x"}, {"unresolved": [-1]}])
def test_what_does_not_belong_is_refused(change):
    assert not VALIDATOR.is_valid(Checker.default().check(["HCTZ"]).to_dict() | change)
