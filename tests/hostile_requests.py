"""Requests as nobody should send them: right ones, mutated."""

from __future__ import annotations

import copy
import json

from hypothesis import strategies as st

from bench.hook_requests import hook_request

HOOKS = ("patient-view", "order-select", "order-sign")
NAMES = (
    "HCTZ 25 mg", "<script>alert(1)</script>", "[x](javascript:alert(1))", "zzyzx\u202e gpj.exe", "\ud800", "x" * 6_000, "", " ",
    "quinine", "Ventolin", "'; DROP TABLE drugs; --", "${jndi:ldap://x}", "{{7*7}}", "warfarin", "\0", "=1+1", "../../etc/passwd",
)  # fmt: skip
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(10**30), max_value=10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(NAMES),
    st.text(max_size=20),
    st.just([]),
    st.just({}),
    st.just({"reference": "#"}),
    st.just({"reference": "Medication/1"}),
    st.just({"resourceType": "Bundle"}),
    st.just({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Bundle", "entry": None}}]}),
)
WORDS = (
    "resourceType",
    "entry",
    "resource",
    "status",
    "subject",
    "code",
    "coding",
    "text",
    "contained",
    "reference",
    "id",
    "extension",
)


def places(value, path=()):
    """Every path in a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def put(value, path, change):
    """The value with what stands at a path changed; `change` gets the holder and the key."""
    if not path:
        return value
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    change(holder, path[-1])
    return value


@st.composite
def mutated(draw):
    """A request with up to six changes, as a Python value."""
    hook = draw(st.sampled_from(HOOKS))
    names = st.lists(st.sampled_from(NAMES), max_size=3)
    request = hook_request(
        hook,
        draw(names),
        draw(names),
        None if hook == "patient-view" else draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2)),
    )
    for _ in range(draw(st.integers(0, 4))):
        # Mostly inside the resources: what is wrong at the top is refused at once, and nothing behind it is tried.
        found = list(places(request))
        if draw(st.integers(0, 7)):
            found = [path for path in found if len(path) > 4] or found
        path = found[draw(st.integers(0, len(found) - 1))]
        kind = draw(st.sampled_from(("replace", "remove", "wrap", "copy", "word")))
        if kind == "replace":
            leaf = copy.deepcopy(draw(LEAVES))
            request = put(request, path, lambda holder, key, leaf=leaf: holder.__setitem__(key, leaf))
        elif kind == "remove":
            request = put(request, path, lambda holder, key: holder.pop(key))
        elif kind == "wrap":
            deep = draw(st.sampled_from((1, 2, 3, 60, 300)))
            request = put(request, path, lambda holder, key, deep=deep: holder.__setitem__(key, wrapped(holder[key], deep)))
        elif kind == "copy":
            other = found[draw(st.integers(0, len(found) - 1))]
            grafted = copy.deepcopy(at(request, other))
            request = put(request, path, lambda holder, key, grafted=grafted: holder.__setitem__(key, grafted))
        else:
            word, leaf = draw(st.sampled_from(WORDS)), copy.deepcopy(draw(LEAVES))
            request = put(request, path, lambda holder, key, word=word, leaf=leaf: holder.__setitem__(key, {word: leaf}))
    return request


def wrapped(value, deep):
    for level in range(deep):
        value = {"resource": value} if level % 2 else [value]
    return value


def at(value, path):
    for key in path:
        value = value[key]
    return value


@st.composite
def bodies(draw):
    """The id of a service and a mutated request as bytes, mostly for that service, at times with bytes of it changed."""
    request = draw(mutated())
    hook = request.get("hook") if isinstance(request, dict) else None
    if hook not in HOOKS or not draw(st.integers(0, 15)):
        hook = draw(st.sampled_from(HOOKS))
    body = bytearray(json.dumps(request).encode())
    for _ in range(draw(st.sampled_from((0, 0, 0, 0, 0, 0, 1, 3)))):
        if body:
            place = draw(st.integers(0, len(body) - 1))
            kind = draw(st.sampled_from(("set", "cut", "insert")))
            if kind == "cut":
                del body[place:]
            elif kind == "set":
                body[place] = draw(st.integers(0, 255))
            else:
                body[place:place] = draw(st.binary(max_size=8))
    return f"cramprisk-{hook}", bytes(body)
