"""What the words around a name say about it: denied, suspected, in the family, in the past, stopped, an allergy.

The method is NegEx (Chapman et al., J Biomed Inform 2001;34:301-310) as widened by ConText (Harkema et al., J Biomed
Inform 2009;42:839-851): trigger phrases open a scope before or after them, and the scope ends at a terminating word,
at another trigger, or at the end of the entry. The trigger lists here are our own, for single entries of medication
and problem lists rather than for running prose.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import NamedTuple

from cramprisk.model import Kind, Qualifier
from cramprisk.text import Token, condition_token

__all__ = ["WORDS", "Scope", "scopes", "strongest"]

N, U, F, H, A, S, P, V = (
    Qualifier.NEGATED,
    Qualifier.UNCERTAIN,
    Qualifier.FAMILY,
    Qualifier.HISTORY,
    Qualifier.ALLERGY,
    Qualifier.STOPPED,
    Qualifier.PLANNED,
    Qualifier.PREVENTION,
)


class Scope(NamedTuple):
    """Tokens `start` to `end` (exclusive) stand under a qualifier."""

    qualifier: Qualifier
    start: int
    end: int


def _phrases(table: dict[Qualifier, str]) -> dict[tuple[str, ...], Qualifier]:
    return {
        tuple(phrase.split()): qualifier
        for qualifier, phrases in table.items()
        for phrase in (part.strip() for part in phrases.split(";"))
        if phrase
    }


_BEFORE_ANY = {
    N: "no; not; denies; denied; denying; without; w/o; never; never had; absence of; absent; negative for; neg for; "
    "no evidence of; no sign of; no signs of; no history of; no h/o; no hx of; no known; no known history of; "
    "not known to have; free of; nil; does not have; has no; doesnt have; dont have; do not have; i dont have; didnt have; havent got; havent had; have not had; hasnt got; hasnt had; has not had; isnt; is not; wasnt; was not; arent; aint got; never been; no current; no prior; no past; no personal history of",
    U: "possible; possibly; probable; probably; suspected; suspect; suspicion of; suspicious for; query; likely; maybe; "
    "may have; may be; might have; might be; could have; could be; can be; not sure if; not sure; unsure if; not certain; waiting for results; being tested for; being investigated for; being checked for; tested for; questionable; presumed; presumptive; r/o; rule out; ro; to rule out; cannot exclude; "
    "cannot rule out; concern for; concerning for; differential; evaluate for; assess for; working diagnosis; unsure; "
    "thinks; ?",
    F: "family history of; family history; family hx of; family hx; fam hx; famhx; fhx of; fhx; fh of; fh; f/h; "
    "fam history of; mother has; mother had; mother with; father has; father had; father with; brother has; brother with; "
    "sister has; sister with; mother; father; brother; sister; maternal; paternal; grandmother; grandfather; mothers; fathers; brothers; sisters; wife; husband; wifes; husbands; "
    "parent with; sibling with; aunt; uncle; mom; dad; mum; relatives with; wife has; husband has; son has; daughter has; nan; nana; gran; granny; grandad; granddad; grandpa; grandma; mam; mums; moms; mummy; mommy; parents; parent; sibling; siblings; sons; daughters; son is; daughter is; mothers side; fathers side; cousin; nephew; niece; brother is; sister is; mother is; father is; runs in my family; runs in the family; in my family",
    H: "history of; past history of; personal history of; past medical history of; medical history of; h/o; hx of; hx; hist of; hist; "
    "previous; previously; prior; past; s/p; status post; old; former; formerly; remote; resolved; "
    "recovered from; treated for; used to have; used to be; used to get; had been; was; were; ex; reversed; cured of; beaten; got over; once had; suffered from in the past",
    V: "prevent; prevents; preventing; prevention of; prevention; to prevent; stop; to stop; stops; avoid; to avoid; reduce; to reduce; reduces; lower risk of; preventative; preventative for; protect against; to protect against; to protect from; prophylaxis of; prophylaxis for; prophylaxis against; "
    "prophylaxis; prophylactic; screening for; screen for; encounter for screening for; risk of; at risk for; at risk of; "
    "risk for; vaccination against; vaccination for; immunization against",
}
_BEFORE_DRUG = {
    A: "allergic to; allergy to; allergies to; allergy; allergies; allergic; intolerance to; intolerant of; intolerant to; "
    "intolerance; adverse reaction to; adr to; adverse effect of; side effects from; side effect from; sensitive to; sensitivity to; "
    "hypersensitivity to; anaphylaxis to; anaphylaxis with; rash with; rash from; reaction to",
    S: "not currently taking; not been taking; has not been taking; avoid; avoid taking; avoids; did not tolerate; could not tolerate; cannot tolerate; cant tolerate; unable to tolerate; was taking; switched from; changed from; stopped; stop; stopping; discontinued; discontinue; discontinuing; d/c; d/cd; dc; dcd; dced; off; came off; come off; no longer on; "
    "no longer taking; no longer takes; not taking; not on; quit; ceased; ceasing; held; hold; holding; on hold; withheld; withdrawn; "
    "finished; completed; used to take; used to be on; previously on; previously took; was on; weaned off; tapered off; stopped taking; ex",
    P: "plan to start; plan to begin; planning to start; will start; to start; to begin; to commence; due to start; due start; planned; plan; "
    "planning; awaiting; about to start; going to start; consider; considering; recommend; recommended; advise; suggest",
    H: "history of; past history of; h/o; hx of; hx; previous; previously; prior; past; former; formerly",
    N: "no; not; denies; denied; denying; without; w/o; never; never took; never had; never takes; nil; refuses; refused; declined; declines; "
    "does not take; doesnt take; dont take; do not take; has not taken; not prescribed; nonadherent to; instead of",
}
_BEFORE_CONDITION = {
    P: "planned; awaiting; scheduled for",
    N: "non",
}
_AFTER_ANY = {
    U: "?; possible; suspected; query; likely; questionable; vs; versus; unconfirmed; not confirmed; or placebo",
    N: "no; none; denies; neg; nil; ruled out; negative; absent; not present; excluded; denied; not seen; unlikely",
    F: "mother; father; brother; sister; maternal; paternal; grandmother; grandfather; aunt; uncle; mom; dad; mum; son; daughter; wife; husband; fhx; fh; family history; in family; in the family; runs in family; runs in the family; in mother; in father; in brother; in sister; in parent; in parents",
    V: "prophylaxis; prevention; screening; screen; risk",
}
_AFTER_DRUG = {
    A: "allergy; allergic; allergies; intolerance; intolerant; sensitivity; hypersensitivity; anaphylaxis; adr",
    S: "replaced by; replaced with; switched to; changed to; stopped; discontinued; d/c; d/cd; dcd; dced; dc; held; on hold; withdrawn; withheld; ceased; finished; completed; quit; "
    "no longer taken; no longer taking; no longer takes; not taking; not taken; expired",
    P: "planned; to start; to be started; to be commenced; pending",
    N: "refused; declined; not given; never taken; never started; not prescribed; not started",
    H: "in past; in the past; previously; formerly; years ago; last year",
}
_AFTER_CONDITION = {
    H: "history of; history; hx; hx of; resolved; in remission; in past; in the past; previously; treated; cured; years ago; as a child; in childhood; repaired; reversed; in remission now; gone now; gone; cleared up; all clear; when younger; when i was younger; when pregnant",
}


def _without_prevention(phrases: dict[tuple[str, ...], Qualifier]) -> dict[tuple[str, ...], Qualifier]:
    """A medicine taken as prophylaxis is taken: prevention is said of conditions only."""
    return {phrase: qualifier for phrase, qualifier in phrases.items() if qualifier is not Qualifier.PREVENTION}


_TABLES = {
    Kind.DRUG: (
        _without_prevention(_phrases(_BEFORE_ANY)) | _phrases(_BEFORE_DRUG),
        _without_prevention(_phrases(_AFTER_ANY)) | _phrases(_AFTER_DRUG),
    ),
    Kind.CONDITION: (
        _phrases(_BEFORE_ANY) | _phrases(_BEFORE_CONDITION),
        _phrases(_AFTER_ANY) | _phrases(_AFTER_CONDITION),
    ),
}
# Phrases that look like a trigger and say nothing about the names around them.
_NEUTRAL = {
    tuple(phrase.split())
    for phrase in (
        "no known allergies; no known drug allergies; no allergies; no drug allergies; nkda; nka; not stop; not stopped; not to stop; dont stop; "
        "not hold; not held; dont hold; not discontinue; not discontinued; not allergic to; not allergic; no side effects; no side effect; "
        "no adverse effects; without food; without meals; will stop; plan to stop; planning to stop; consider stopping; due to stop; never stopped; "
        "no change; no changes; not miss; dont miss; no missed doses; no doses missed"
    ).split("; ")
}
_LONGEST = max(len(phrase) for tables in _TABLES.values() for table in tables for phrase in table)

_TERMINATORS = frozenset(
    "but however although though except apart aside still now currently takes taking started start starts restarted "
    "resumed continue continues continued on switched changed replaced because secondary which who presents presenting "
    "complains has having".split()
)
WORDS = frozenset(
    form
    for phrases in (*(table for tables in _TABLES.values() for table in tables), _NEUTRAL, [tuple(_TERMINATORS)])
    for phrase in phrases
    for word in phrase
    for form in (word, condition_token(word))
)
"""Every word that opens, closes or ends a scope; none of them is a name."""

# Words after which a trigger does not mean what it seems to: "no 3" is a number, "d/c meds" a discharge list.
_NOT_A_TRIGGER_BEFORE = {
    "d/c": frozenset({"med", "meds", "medication", "medications", "summary", "home", "from", "to"}),
    "dc": frozenset({"med", "meds", "medication", "medications", "summary", "home", "from", "to"}),
    "not": frozenset({"only", "otherwise", "elsewhere", "specified", "classified", "certain"}),
    "old": frozenset({"age"}),
    "off": frozenset({"label"}),
}
_NOT_A_TRIGGER_AFTER = {"old": frozenset({"year", "years", "yr", "yrs", "yo", "y"})}


def _is_number(token: Token) -> bool:
    return token.text[0].isdigit()


def _find(tokens: Sequence[Token], at: int, phrases: dict[tuple[str, ...], Qualifier]) -> tuple[int, Qualifier] | None:
    for length in range(min(_LONGEST, len(tokens) - at), 0, -1):
        qualifier = phrases.get(tuple(token.text for token in tokens[at : at + length]))
        if qualifier is not None:
            return length, qualifier
    return None


def _closes(tokens: Sequence[Token], start: int, end: int, taken: Container[int]) -> bool:
    """Whether a trigger that may stand before or after a name speaks about the name before it."""
    if start - 1 in taken:
        return True
    after = [index for index in range(end, len(tokens)) if not _is_number(tokens[index])]
    if not after or "," in tokens[after[0]].gap:
        return True
    before = any(index in taken for index in range(start))
    behind = False
    for index in after:
        if index > end and "," in tokens[index].gap:
            break
        behind = behind or index in taken
    return before and not behind


def scopes(tokens: Sequence[Token], kind: Kind, tail: str = "", taken: Container[int] = ()) -> list[Scope]:
    """The scopes that the trigger words of an entry open, in order of their triggers.

    Args:
        tokens: The entry's tokens.
        kind: What the entry is read as; some triggers belong to medicines only.
        tail: What stands after the last token (for a closing question mark).
        taken: Indices of tokens that belong to a name and therefore are no trigger (the "ex" of Ex-Lax).

    Examples:
        >>> from cramprisk.text import tokenise
        >>> scopes(tokenise("no history of diabetes"), Kind.CONDITION)[0].qualifier.value
        'negated'
    """
    before, after = _TABLES[kind]
    count = len(tokens)
    triggers: list[tuple[int, int, Qualifier, bool]] = []
    at = 0
    while at < count:
        if at in taken:
            at += 1
            continue
        neutral = next((size for size in (4, 3, 2, 1) if tuple(token.text for token in tokens[at : at + size]) in _NEUTRAL), 0)
        if neutral:
            at += neutral
            continue
        word = tokens[at].text
        nearby = tokens[at + 1].text if at + 1 < count else ""
        previous = tokens[at - 1].text if at else ""
        blocked = nearby in _NOT_A_TRIGGER_BEFORE.get(word, ()) or previous in _NOT_A_TRIGGER_AFTER.get(word, ())
        if word == "no" and at + 1 < count and _is_number(tokens[at + 1]):
            blocked = True
        opening = None if blocked or at == count - 1 else _find(tokens, at, before)
        closing = None if at == 0 else _find(tokens, at, after)
        if opening and at + opening[0] >= count:
            opening = None
        if opening and closing:
            # "penicillin allergy" closes, "allergy penicillin" opens: after a name, and before none, it closes.
            if _closes(tokens, at, at + max(opening[0], closing[0]), taken):
                opening = None
            else:
                closing = None
        if opening:
            triggers.append((at, at + opening[0], opening[1], True))
            at += opening[0]
        elif closing:
            triggers.append((at, at + closing[0], closing[1], False))
            at += closing[0]
        else:
            at += 1
    found: list[Scope] = []
    for position, (start, end, qualifier, opens) in enumerate(triggers):
        if opens:
            stop = count
            for other_start, _, other, other_opens in triggers[position + 1 :]:
                if other_opens and not (qualifier is Qualifier.FAMILY or other is qualifier):
                    stop = other_start
                    break
            heading = end < count and ":" in tokens[end].gap
            for index in range(end, stop):
                separator = tokens[index].gap
                word = tokens[index].text
                if (word in _TERMINATORS or (word == "to" and qualifier is Qualifier.STOPPED)) and index > end:
                    stop = index
                    break
                if (
                    ";" in separator
                    or ". " in separator
                    or (index > end and "," in separator and qualifier in _ONE_ITEM and not heading)
                ):
                    stop = index
                    break
            found.append(Scope(qualifier, end, stop))
        else:
            begin = 0
            for index in range(start - 1, 0, -1):
                if "," in tokens[index].gap or ";" in tokens[index].gap or tokens[index - 1].text in _TERMINATORS:
                    begin = index
                    break
            found.append(Scope(qualifier, begin, start))
    if tokens:
        # Question marks are no tokens: "?diabetes" puts the mark before, "diabetes?" behind what it doubts.
        if re.match(r"\s*\(?\s*\?", tokens[0].gap):
            stop = next((i for i in range(1, count) if "," in tokens[i].gap or ";" in tokens[i].gap), count)
            found.append(Scope(Qualifier.UNCERTAIN, 0, stop))
        for index in range(1, count):
            if re.search(r"[\s,;(/]\?+\s*$", tokens[index].gap):
                stop = next((i for i in range(index + 1, count) if re.search(r"[,;?]", tokens[i].gap)), count)
                found.append(Scope(Qualifier.UNCERTAIN, index, stop))
            elif re.match(r"\?+(\s|[,;)])", tokens[index].gap):
                begin = next((i for i in range(index - 1, 0, -1) if re.search(r"[,;]", tokens[i].gap)), 0)
                found.append(Scope(Qualifier.UNCERTAIN, begin, index))
        if re.match(r"\s*\)?\s*\?", tail):
            begin = next((i for i in range(count - 1, 0, -1) if re.search(r"[,;]", tokens[i].gap)), 0)
            found.append(Scope(Qualifier.UNCERTAIN, begin, count))
    return found


# These speak of one item of a list, the others of all that follow ("no diabetes, hypertension").
_ONE_ITEM = (Qualifier.UNCERTAIN, Qualifier.STOPPED, Qualifier.PLANNED)

_STRENGTH = {
    qualifier: rank
    for rank, qualifier in enumerate(
        (
            Qualifier.FAMILY,
            Qualifier.ALLERGY,
            Qualifier.NEGATED,
            Qualifier.PREVENTION,
            Qualifier.STOPPED,
            Qualifier.PLANNED,
            Qualifier.UNCERTAIN,
            Qualifier.HISTORY,
        )
    )
}


def strongest(found: Sequence[Qualifier]) -> Qualifier | None:
    """The one that decides when several scopes cover a name: "no family history of" is negated in the family."""
    return min(found, key=_STRENGTH.__getitem__) if found else None
