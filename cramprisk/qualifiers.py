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

__all__ = ["BEGINS", "WORDS", "Scope", "says_nothing", "scopes", "strongest"]

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
    N: "no; not; neither; nor; not yet; denies; denied; denying; without; w/o; never; never had; absence of; absent; negative for; neg for; "
    "ruled out for; ruled out; no evidence of; no sign of; no signs of; no history of; no h/o; no hx of; no known; no known history of; "
    "not known to have; free of; nil; does not have; has no; doesnt have; dont have; do not have; i dont have; didnt have; havent got; havent had; have not had; hasnt got; hasnt had; has not had; isnt; is not; wasnt; was not; arent; aint got; never been; no current; no prior; no past; no hx; no history; no previous; never a; not yet on; no personal history of",
    U: "possible; possibly; probable; probably; suspected; suspect; suspicion of; suspicious for; query; likely; maybe; "
    "may have; may be; might have; might be; could have; could be; can be; not sure if; not sure; unsure if; not certain; waiting for results; being tested for; being investigated for; being checked for; tested for; questionable; presumed; presumptive; r/o; rule out; ro; to rule out; cannot exclude; "
    "cannot rule out; concern for; concerning for; differential; evaluate for; assess for; working diagnosis; unsure; "
    "thinks; think; i think; thinks he takes; thinks she takes; thinks he is on; thinks she is on; thinks on; prob; poss; susp; possibe; possable; probaly; probabel; suspcted; suspeted; ddx; dd; differential diagnosis; differential dx; differential includes; cant rule out; can not rule out; cant exclude; ?",
    F: "family history of; family history; family hx of; family hx; fam hx; famhx; fhx of; fhx; fh of; fh; f/h; "
    "fam history of; mother has; mother had; mother with; father has; father had; father with; brother has; brother with; "
    "sister has; sister with; mother; father; brother; sister; maternal; paternal; grandmother; grandfather; mothers; fathers; brothers; sisters; wife; husband; wifes; husbands; "
    "parent with; sibling with; aunt; uncle; mom; dad; mum; relatives with; wife has; husband has; son has; daughter has; nan; nana; gran; granny; grandad; granddad; grandpa; grandma; mam; mums; moms; mummy; mommy; parents; parent; sibling; siblings; sons; daughters; son is; daughter is; mothers side; fathers side; cousin; nephew; niece; grandfathers; grandmothers; grandparents; grandparent; aunts; uncles; dads; wifes side; brother is; sister is; mother is; father is; runs in my family; runs in the family; in my family",
    H: "history of; past history of; personal history of; past medical history of; medical history of; h/o; hx of; hx; hist of; hist; "
    "prev; prev hx of; previous; previously; prior; past; s/p; status post; old; former; formerly; remote; resolved; "
    "recovered from; treated for; used to have; used to be; used to get; had been; was; were; ex; reversed; cured of; beaten; got over; once had; suffered from in the past; personal history; personal hx; personal hx of; personal and family history of; personal and family hx of; personal and family history; significant history of; significant hx of; past hx of; past hx; remote history of; remote hx of; strong history of",
    V: "prevent; prevents; preventing; prevention of; prevention; to prevent; stop; to stop; stops; avoid; to avoid; reduce; to reduce; reduces; lower risk of; preventative; preventative for; protect against; to protect against; to protect from; prophylaxis of; prophylaxis for; prophylaxis against; "
    "prophylaxis; prophylactic; screening for; screen for; encounter for screening for; risk of; at risk for; at risk of; "
    "high risk of; high risk for; increased risk of; low risk of; low risk for; reduce risk of; reduce the risk of; risk for; vaccination against; vaccination for; immunization against",
}
_BEFORE_DRUG = {
    A: "allergic to; allergy to; allergies to; allergy; allergies; allergic; intolerance to; intolerant of; intolerant to; "
    "intolerance; adverse reaction to; adr to; adverse effect of; side effects from; side effect from; sensitive to; sensitivity to; "
    "hypersensitivity to; hypersensitivity; sensitivities; sensitivity; sensitivities to; anaphylaxis to; anaphylaxis with; anaphylaxis; anaphylactic to; anaphylactic reaction to; anaphylactic shock with; allergic reaction to; allergic reaction; allergic reactions to; adr; adrs; adverse reactions to; adverse reaction; adverse reactions; adverse drug reaction; adverse drug reactions; adverse drug reaction to; drug sensitivities; rash with; rash from; rash on; rash after; rash due to; hives with; hives from; hives on; angioedema with; angioedema from; angioedema on; swelling with; swelling from; reaction to; reactions to; alergy; alergy to; alergic; alergic to; alergies; allergys; allergic too; alergic too; intollerant; intollerance; intolerances",
    S: "no more; no longer needs; no longer needing; no longer requires; no longer uses; no longer using; no longer prescribed; stop taking; stop using; stop taking these; stopped using; stopped these; didnt tolerate; doesnt tolerate; does not tolerate; not able to tolerate; stoped; stopd; stpped; stoppd; discontinud; discontined; dicontinued; disontinued; discontiued; discont; self discontinued; self stopped; cessation of; not currently taking; not been taking; has not been taking; avoid; avoid taking; avoids; did not tolerate; could not tolerate; cannot tolerate; cant tolerate; unable to tolerate; was taking; switched from; changed from; stopped; stop; stopping; discontinued; discontinue; discontinuing; d/c; d/cd; dc; dcd; dced; off; came off; come off; no longer on; "
    "no longer taking; no longer takes; not taking; not on; quit; ceased; ceasing; held; hold; holding; on hold; withheld; withdrawn; "
    "finished; completed; used to take; used to be on; previously on; previously took; was on; weaned off; tapered off; stopped taking; ex",
    P: "plan to start; plan to begin; planning to start; will start; to start; to begin; to commence; due to start; due start; planned; plan; "
    "planning; awaiting; about to start; going to start; consider; considering; recommend; recommended; advise; suggest; consider adding; consider starting; consider trial of; discussed starting; discussed; discuss starting; discuss; recommend starting; suggest starting; advise starting; plan start; plan starting; plan for; may need; might need; may require; may start; to add; to initiate; to commence on; to be started on; starting soon; awaiting start of",
    H: "history of; past history of; h/o; hx of; hx; prev; previous; previously; prior; past; past use of; former; formerly",
    N: "no; not; denies; denied; denying; without; w/o; never; never took; never had; never takes; nil; refuses; refused; declined; declines; "
    "does not take; doesnt take; dont take; do not take; has not taken; not prescribed; nonadherent to; cannot take; cant take; can not take; unable to take; not able to take; must not take; should not take; shouldnt take; instead of; in place of; rather than; no allergies to; no allergy to; no known allergy to; no known allergies to; denies allergy to; denies allergies to; has never taken; never on; never been on; never tried",
}
_BEFORE_CONDITION = {
    P: "planned; awaiting; scheduled for; waiting list for; on waiting list for; waiting for; wait listed for; waitlisted for; listed for; booked for; due for; candidate for; for elective; pending",
    U: "may need; might need; may require; may; might",
    H: "no longer has; no longer have; no longer having; no longer had; no longer suffers from",
    N: "non; not on; not yet on; negative",
}
_AFTER_ANY = {
    U: "?; possible; suspected; query; likely; questionable; vs; versus; unconfirmed; not confirmed; or placebo; not excluded; not ruled out; not yet excluded; not yet ruled out; not been excluded; not been ruled out; cannot be excluded; cannot be ruled out; cant be excluded; cant be ruled out; to be excluded; to be ruled out; prob; poss; susp; probable; probably; maybe",
    N: "no; none; denies; neg; nil; ruled out; negative; absent; not present; excluded; denied; not seen; unlikely; not found; not detected; not had; neither",
    F: "mother; father; brother; sister; maternal; paternal; grandmother; grandfather; aunt; uncle; mom; dad; mum; son; daughter; wife; husband; fhx; fh; family history; in family; in the family; runs in family; runs in the family; in mother; in father; in brother; in sister; in parent; in parents",
    V: "prophylaxis; prevention; screening; screen; risk",
}
_AFTER_DRUG = {
    A: "alergy; alergic; alergies; intolerances; intollerant; anaphylactic; allergic reaction; adverse reaction; allergy; allergic; allergies; intolerance; intolerant; sensitivity; hypersensitivity; anaphylaxis; adr",
    S: "replaced by; replaced with; switched to; changed to; converted to; swapped for; swapped to; not tolerated; stoped; stopd; stpped; stoppd; discontinud; discontined; dicontinued; disontinued; discontiued; discont; no longer needed; no longer prescribed; no longer used; no longer required; no longer on; stopped; discontinued; d/c; d/cd; dcd; dced; dc; held; on hold; withdrawn; withheld; ceased; finished; completed; quit; "
    "no longer taken; no longer taking; no longer takes; not taking; not taken; expired",
    P: "planned; to start; to be started; to be commenced; pending; if needed later; to commence; to begin; due to start; from next week; awaited",
    N: "refused; declined; not given; never taken; never started; not prescribed; not started",
    H: "in past; in the past; previously; formerly; years ago; last year; long ago; a long time ago",
}
_AFTER_CONDITION = {
    H: "history of; history; hx; hx of; resolved; in remission; in past; in the past; previously; treated; cured; years ago; as a child; in childhood; repaired; reversed; in remission now; gone now; gone; cleared up; all clear; when younger; when i was younger; when pregnant; recovered; fully recovered; healed; corrected; normalised; normalized; now normal; last year; months ago; as a kid; as a teenager; as child; as an infant; in infancy; long ago; no longer; no longer present; no longer a problem",
    P: "planned; scheduled; booked; pending; awaited",
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
_RELATIVES = (
    "mother father brother sister grandmother grandfather grandma grandad mom dad mum wife husband partner son daughter aunt uncle parent "
    "parents family spouse"
).split()
_TELLS = (
    "reports reported says said states stated notes noted notices noticed describes described observes observed worried concerned "
    "accompanied present translates interprets helps gives administers"
).split()
_TAKES = "take takes took taking use uses used using borrows borrowed borrowing sharing shares given".split()
_WHOSE = ("", "his ", "her ", "my ", "their ", "a ")
# Phrases that look like a trigger and say nothing about the names around them (NegEx calls them pseudo-triggers).
_NEUTRAL = {
    tuple(phrase.split())
    for phrase in (
        "no known allergies; no known drug allergies; no allergies; no drug allergies; nkda; nka; not stop; not stopped; not to stop; dont stop; "
        "not hold; not held; dont hold; not discontinue; not discontinued; not allergic to; not allergic; no side effects; no side effect; "
        "no adverse effects; without food; without meals; will stop; plan to stop; planning to stop; consider stopping; due to stop; never stopped; "
        "no change; no changes; not miss; dont miss; no missed doses; no doses missed; "
        # What is absent is a change, an effect or a difficulty, not the medicine or the condition that is named.
        "no increase; no decrease; no improvement; no relief; no benefit; no effect; no response; no help; no success; no difference; no issues; "
        "no issue; no problems; no problem; no complaints; no concerns; no complications; no complication; no difficulty; no refills; no refill; "
        "no repeats; no bleeding; no doubt; no more than; no later than; no less than; not more than; not less than; not to exceed; not only; "
        "no generic; no substitution; no substitutions; no interactions; no contraindications; no contraindication; no toxicity; no treatment; "
        "no cause; no reason; no idea; no action; no follow up; no dose change; no treatment for; no medication for; no medications for; "
        "no meds for; no therapy for; no recent change; no longer effective; no longer works; no longer working; no longer helps; "
        "no longer helping; no longer has; no longer have; no longer having; no longer in; no longer smokes; no longer smoking; no longer a; "
        "not helping; not helped; not help; not working; not work; not effective; not controlled; not well controlled; not adequately controlled; "
        "not fully controlled; not yet controlled; not optimally controlled; not managed; not well managed; not improved; not improving; "
        "not improved by; not relieved; not relieved by; not resolved; not yet resolved; not responding; not responsive; not at goal; "
        "not at target; not to target; not in remission; not due to; not related to; not enough; not sufficient; not as; not so; not always; "
        "not otherwise specified; not elsewhere classified; not changed; not increased; not missed; not sleeping; not enteric; not crushed; "
        "not forget; not run out; doesnt help; does not help; didnt help; did not help; doesnt work; does not work; didnt work; "
        "isnt helping; isnt working; wasnt helping; never misses; never missed; never forgets; not be stopped; "
        "do not take with; do not take more; do not crush; do not chew; do not exceed; do not drink; do not drive; do not take on; "
        "do not take if; do not take at; dont take with; dont take more; do not skip; dont skip; "
        "without relief; without benefit; without effect; without improvement; without success; without complications; without complication; "
        "without issue; without issues; without problems; without difficulty; without side effects; without doubt; without change; without water; "
        # A purpose, not an allergy to the medicine.
        "for allergies; for allergy; for my allergies; for his allergies; for her allergies; prn allergies; prn allergy; prn for allergies; "
        "seasonal allergies; seasonal allergy; for seasonal allergies; environmental allergies; nasal allergies; eye allergies; for skin allergy; "
        "allergies prn; allergy relief; allergy medicine; allergy medication; allergy meds; allergy med; allergy pill; allergy pills; "
        "allergy tablet; allergy tablets; allergy tab; allergy tabs; allergy symptoms; allergy eye; allergy nasal; allergy spray; allergy shot; "
        "allergy shots; allergy season; allergy sinus; allergy and sinus; allergic rhinitis; allergic conjunctivitis; allergic asthma; for allergic; "
        "for allergic reaction; for allergic reactions; for anaphylaxis; for hives; "
        # Conditions under which a dose is left out.
        "hold if; hold for sbp; hold for hr; hold for bp; hold for systolic; hold for pulse; hold for heart rate; hold for map; hold when; "
        "hold parameters; held if; held for sbp; held for hr; avoid if; stop if; "
        "want to stop; wants to stop; wanted to stop; wanting to stop; reluctant to stop; afraid to stop; wishes to stop; asks to stop; "
        "asked to stop taking it; asking about stopping; stop smoking; to stop smoking; stopped smoking; stopping smoking; quit smoking; "
        "to quit smoking; stop drinking; stopped drinking; quit drinking; stopped working; stops working; off label; off licence; "
        "hold on; time off; day off; days off; "
        # Headings and courses of time, which do not put what follows into the past.
        "history of present illness; history of the present illness; history of presenting complaint; history of presenting illness; "
        "past medical history; past medical hx; medical history; past surgical history; surgical history; social history; drug history; "
        "medication history; medical hx; surgical hx; psychiatric history; past psychiatric history; obstetric history; natural history; "
        "previously well; previously healthy; previously fit; was started; was started on; was commenced on; was commenced; was given; "
        "was prescribed; was increased; was increased to; was diagnosed; was diagnosed with; were started on; was found; was found to have; "
        "treated with; treated by; being treated; being treated for; treated medically; "
        "mother of; father of; family unknown; family history unknown; family doctor; family physician; family practice; family planning; "
        "family medicine; mother in law; father in law; mothers day; old school; risk factor; risk factors"
    ).split("; ")
} | {
    tuple(phrase.split())
    for relative in _RELATIVES
    for phrase in (
        *(f"{relative} {tells}" for tells in _TELLS),
        f"lives with {relative}",
        f"living with {relative}",
        *(f"{takes} {whose}{relative}s" for takes in _TAKES for whose in _WHOSE),
    )
}
_LONGEST = max(len(phrase) for tables in _TABLES.values() for table in tables for phrase in table)
_LONGEST_NEUTRAL = max(map(len, _NEUTRAL))

_TERMINATORS = frozenset(
    "but however although though except apart aside still now currently takes taking started start starts restarted "
    "resumed continue continues continued on switched changed replaced because secondary which who presents presenting "
    "complains has having reports reported admits endorses endorsing positive tolerates tolerated tolerating commenced commence "
    "definitely instead".split()
)
# Words that end what is said of the family, once it has named something: the patient speaks of themselves.
_ONESELF = frozenset("i patient pt personal personally self myself himself herself".split())
# After "stopped", these say that the medicine is taken again.
_AGAIN = frozenset("restarted resumed recommenced reinstated reintroduced reinitiated rechallenged".split())
_NOT_AGAIN = frozenset("not never be to".split())
# "changed X to Y": what stands between the verb and the particle is no longer taken, if a name follows.
_EXCHANGES = frozenset(
    "changed change changing switched switch switching replaced replace replacing converted swapped substituted transitioned".split()
)
_EXCHANGED_FOR = frozenset("to with for by".split())
_EXCHANGED_AFTER = frozenset(
    ("replaced by", "replaced with", "switched to", "changed to", "converted to", "swapped for", "swapped to")
)
_ARROW = re.compile(r"-+>|=+>|[\u2192\u21d2\u2794\u279c\u27a1]|^\s+>\s+$")
# A new item of a list begins: commas, semicolons, full stops, and a slash that joins whole items ("HTN/DM/no CAD").
_NEW_ITEM = re.compile(r"[,;/+|\n]|\.\s")
# "diabetes: no" denies, "asthma - no recent attacks" does not: these close only where their item ends.
_ENDS_ITEM_ONLY = frozenset("no none nil neither".split())
_MAY_END_ITEM = frozenset("at present currently now today known reported noted ever".split())
# These stand behind what they speak of, when a name stands there ("PCN allergy lisinopril").
_SUFFIXES = (Qualifier.ALLERGY, Qualifier.STOPPED, Qualifier.PREVENTION, Qualifier.PLANNED, Qualifier.UNCERTAIN)
# Words that may stand between "denies" and "history of".
_ANY = frozenset("any a an significant known personal the recent".split())
# History as a list ("h/o DM, HTN") speaks of all that follows, "previous DVT, HTN" of one item.
# A full stop behind these shortens the word and ends nothing.
_SHORTENED = frozenset("poss prob susp hist hx fhx dx ddx neg prev fam".split())
_LISTS_HISTORY = frozenset("history hx h/o hist".split())
WORDS = frozenset(
    form
    for phrases in (
        *(table for tables in _TABLES.values() for table in tables),
        _NEUTRAL,
        [tuple(_TERMINATORS | _ONESELF | _AGAIN | _EXCHANGES)],
    )
    for phrase in phrases
    for word in phrase
    for form in (word, condition_token(word))
)
"""Every word that opens, closes or ends a scope; none of them is a name."""

_DISCHARGE = frozenset("med meds medication medications summary home from to date letter plan rx instructions list".split())
# Words after which a trigger does not mean what it seems to: "no 3" is a number, "d/c meds" a discharge list.
_NOT_A_TRIGGER_BEFORE = {
    "d/c": _DISCHARGE,
    "dc": _DISCHARGE,
    "not": frozenset({"only", "otherwise", "elsewhere", "specified", "classified", "certain"}),
    "old": frozenset({"age"}),
    "off": frozenset({"label"}),
}
_COURSE = frozenset("year years yr yrs y month months mth mths week weeks wk wks day days long longstanding standing".split())
_NOT_A_TRIGGER_AFTER = {
    "old": frozenset({"year", "years", "yr", "yrs", "yo", "y", "month", "months", "week", "weeks", "day", "days"}),
    "history": _COURSE,
    "hx": _COURSE,
    "h/o": _COURSE,
    "may": frozenset("in since of until till on last mid early late this next by from during".split()),
}


# Most entries hold none of these words, nor a sign that marks doubt, absence or exchange, and are done at once: reading
# on would take a third of the time of a whole match.
_NEUTRAL_BEGINS = frozenset(phrase[0] for phrase in _NEUTRAL)
BEGINS = {
    kind: frozenset(["ve", *(phrase[0] for phrases in tables for phrase in phrases), *(_EXCHANGES if kind is Kind.DRUG else ())])
    for kind, tables in _TABLES.items()
}
"""The words without which, and without a sign, nothing is said about the names of an entry."""
_SIGNS = re.compile(r"[?>\u2192\u21d2\u2794\u279c\u27a1]|[(\[]\s*-")


def _is_number(token: Token) -> bool:
    return token.text[0].isdigit()


def _find(tokens: Sequence[Token], at: int, phrases: dict[tuple[str, ...], Qualifier]) -> tuple[int, Qualifier] | None:
    words = tuple([token.text for token in tokens[at : at + _LONGEST]])
    for length in range(len(words), 0, -1):
        qualifier = phrases.get(words[:length])
        if qualifier is not None:
            return length, qualifier
    return None


def _neutral(tokens: Sequence[Token], at: int) -> int:
    """How many tokens the longest phrase has that stands at a place and says nothing; 0 if none does."""
    words = tuple([token.text for token in tokens[at : at + _LONGEST_NEUTRAL]])
    return next((size for size in range(len(words), 0, -1) if words[:size] in _NEUTRAL), 0)


def _new_item(gap: str) -> bool:
    return _NEW_ITEM.search(gap) is not None


def _item_end(tokens: Sequence[Token], start: int) -> int:
    """The index after the last token of the item that holds token `start`."""
    return next((index for index in range(start + 1, len(tokens)) if _new_item(tokens[index].gap)), len(tokens))


def _item_start(tokens: Sequence[Token], last: int) -> int:
    """The first token of the item that holds token `last`; a slash does not end it ("HCTZ/lisinopril stopped")."""
    for index in range(last, 0, -1):
        if "," in tokens[index].gap or ";" in tokens[index].gap or ". " in tokens[index].gap:
            return index
        if tokens[index - 1].text in _TERMINATORS:
            return index
    return 0


def _closes(tokens: Sequence[Token], start: int, end: int, taken: Container[int], qualifier: Qualifier) -> bool:
    """Whether a trigger that may stand before or after a name speaks about the name before it."""
    after = [index for index in range(end, len(tokens)) if not _is_number(tokens[index])]
    if not after or (_new_item(tokens[after[0]].gap) and "/" not in tokens[after[0]].gap):
        return True
    if ":" in tokens[end].gap:
        return not any(index in taken for index in range(end, len(tokens)))
    behind = any(index in taken for index in range(end, _item_end(tokens, end) if not _new_item(tokens[end].gap) else end))
    if _new_item(tokens[start].gap) and behind:
        # The trigger opens an item of its own: "CKD, no dialysis", "HTN, h/o CVA".
        return False
    if start - 1 in taken:
        return not behind or qualifier in _SUFFIXES
    return any(index in taken for index in range(start)) and not behind


def _may_close(tokens: Sequence[Token], start: int, end: int, taken: Container[int]) -> bool:
    """Whether a trigger behind a name can speak of it: some need the end of the item, others a name that follows."""
    phrase = " ".join(token.text for token in tokens[start:end])
    if phrase in _ENDS_ITEM_ONLY:
        index = end
        while index < len(tokens) and not _new_item(tokens[index].gap) and "(" not in tokens[index].gap:
            if not _is_number(tokens[index]) and tokens[index].text not in _MAY_END_ITEM:
                return False
            index += 1
        return True
    if phrase in _EXCHANGED_AFTER:
        # "lisinopril changed to 20 mg" is a dose.
        return any(index in taken for index in range(end, _item_end(tokens, end)))
    return True


def _again(tokens: Sequence[Token], end: int, taken: Container[int]) -> bool:
    """Whether "stopped" is followed by "restarted", before another name."""
    for index in range(end, len(tokens)):
        if index in taken:
            return False
        if tokens[index].text in _AGAIN:
            return tokens[index - 1].text not in _NOT_AGAIN
    return False


class _Trigger(NamedTuple):
    start: int
    end: int
    qualifier: Qualifier
    opens: bool


def _triggers(tokens: Sequence[Token], kind: Kind, taken: Container[int]) -> list[_Trigger]:
    """The trigger phrases of an entry, longest first at each place, each with its direction."""
    before, after = _TABLES[kind]
    begins = BEGINS[kind]
    count = len(tokens)
    triggers: list[_Trigger] = []
    at = 0
    while at < count:
        word = tokens[at].text
        if at in taken or (word not in begins and word not in _NEUTRAL_BEGINS):
            at += 1
            continue
        neutral = _neutral(tokens, at) if word in _NEUTRAL_BEGINS else 0
        nearby = tokens[at + 1].text if at + 1 < count else ""
        previous = tokens[at - 1].text if at and "," not in tokens[at].gap else ""
        blocked = nearby in _NOT_A_TRIGGER_BEFORE.get(word, ()) or previous in _NOT_A_TRIGGER_AFTER.get(word, ())
        if word in ("no", "may") and at + 1 < count and _is_number(tokens[at + 1]):
            blocked = True
        if word in ("d/c", "dc") and nearby == "on" and at - 1 not in taken:
            # "DC on warfarin" is a discharge, "lasix d/c on 3/2" a date.
            blocked = True
        opening = None if blocked or at == count - 1 else _find(tokens, at, before)
        closing = None if at == 0 or blocked else _find(tokens, at, after)
        if opening and at + opening[0] >= count:
            opening = None
        if closing and not _may_close(tokens, at, at + closing[0], taken):
            closing = None
        if neutral > max(opening[0] if opening else 0, closing[0] if closing else 0):
            at += neutral
            continue
        if opening and closing and closing[0] > opening[0] + 1:
            opening = None
        if opening and closing:
            # "penicillin allergy" closes, "allergy penicillin" opens: after a name, and before none, it closes.
            if _closes(tokens, at, at + max(opening[0], closing[0]), taken, closing[1]):
                opening = None
            else:
                closing = None
        found = opening or closing
        if found:
            triggers.append(_Trigger(at, at + found[0], found[1], opening is not None))
            at += found[0]
        else:
            at += 1
    return triggers


def _denied_too(tokens: Sequence[Token], first: _Trigger, second: _Trigger) -> bool:
    """Whether a denial takes in the trigger behind it: "denies any history of", "no known allergy to"."""
    if first.qualifier is not Qualifier.NEGATED or second.qualifier not in (Qualifier.HISTORY, Qualifier.ALLERGY):
        return False
    return all(token.text in _ANY for token in tokens[first.end : second.start]) and not _new_item(tokens[second.start].gap)


def _opened(tokens: Sequence[Token], triggers: Sequence[_Trigger], position: int, taken: Container[int]) -> Scope:
    """The scope of a trigger that stands before what it speaks of."""
    trigger = triggers[position]
    qualifier, end, stop = trigger.qualifier, trigger.end, len(tokens)
    for other in triggers[position + 1 :]:
        if not other.opens or other.qualifier is qualifier or _denied_too(tokens, trigger, other):
            continue
        if qualifier is Qualifier.FAMILY and not _new_item(tokens[other.start].gap):
            continue
        stop = other.start
        break
    one_item = qualifier in _ONE_ITEM or (
        qualifier is Qualifier.HISTORY and not any(token.text in _LISTS_HISTORY for token in tokens[trigger.start : end])
    )
    named = heading = False
    only_ends = True
    for index in range(end, stop):
        gap, word = tokens[index].gap, tokens[index].text
        heading = heading or (":" in gap and not named)
        ends = word in _TERMINATORS and index not in taken
        if qualifier is Qualifier.FAMILY:
            ends = named and (ends or word in _ONESELF)
        if (ends and not only_ends) or (word == "to" and qualifier is Qualifier.STOPPED and index > end):
            return Scope(qualifier, end, index)
        full_stop = ". " in gap and not (index == end and tokens[end - 1].text in _SHORTENED)
        if ";" in gap or full_stop or (index > end and "," in gap and one_item and not heading):
            return Scope(qualifier, end, index)
        only_ends = only_ends and ends
        named = named or index in taken
    return Scope(qualifier, end, stop)


def _marks(tokens: Sequence[Token], tail: str) -> list[Scope]:
    """The scopes of question marks and of a minus in brackets, which are no tokens.

    "?diabetes" puts the mark before, "diabetes?" and "diabetes (?)" behind what it doubts.
    """
    count = len(tokens)
    found: list[Scope] = []
    if re.match(r"\s*\(?\s*\?", tokens[0].gap):
        stop = next((i for i in range(1, count) if "," in tokens[i].gap or ";" in tokens[i].gap), count)
        found.append(Scope(Qualifier.UNCERTAIN, 0, stop))
    for index in range(1, count + 1):
        gap = tokens[index].gap if index < count else tail
        if not gap.endswith("-") and not _SIGNS.search(gap):
            continue
        begin = next((i for i in range(index - 1, 0, -1) if re.search(r"[,;?]", tokens[i].gap)), 0)
        minus = index < count and tokens[index].text == "ve" and gap.endswith("-")
        if minus or re.match(r"\s*[(\[]\s*-\s*[)\]]", gap):
            found.append(Scope(Qualifier.NEGATED, begin, index))
        if index < count and re.search(r"[\s,;(/]\?+\s*$", gap):
            stop = next((i for i in range(index + 1, count) if re.search(r"[,;?]", tokens[i].gap)), count)
            found.append(Scope(Qualifier.UNCERTAIN, index, stop))
        elif re.match(r"\?+(\s|[,;)])|\s*[(\[]\s*\?+\s*[)\]]", gap) or (index == count and re.match(r"\s*\)?\s*\?", gap)):
            found.append(Scope(Qualifier.UNCERTAIN, begin, index))
    return found


def _exchanges(tokens: Sequence[Token], taken: Container[int]) -> list[Scope]:
    """What is no longer taken where one medicine gives way to another: "changed X to Y", "X -> Y"."""
    found: list[Scope] = []
    for index in range(1, len(tokens)):
        if _ARROW.search(tokens[index].gap):
            begin, end = _item_start(tokens, index - 1), _item_end(tokens, index)
            old = {tokens[i].text for i in range(begin, index) if i in taken}
            new = {tokens[i].text for i in range(index, end) if i in taken}
            if new and not old & new:
                # "lasix 20 -> 40" and "lasix 20 -> lasix 40" are doses.
                found.append(Scope(Qualifier.STOPPED, begin, index))
    for at, token in enumerate(tokens):
        if token.text not in _EXCHANGES or at in taken:
            continue
        end = _item_end(tokens, at)
        particle = next((i for i in range(at + 1, end) if tokens[i].text in _EXCHANGED_FOR), None)
        if particle is None or not any(i in taken for i in range(particle + 1, end)):
            continue
        if any(i in taken for i in range(at + 1, particle)) and "from" not in {one.text for one in tokens[at + 1 : particle]}:
            found.append(Scope(Qualifier.STOPPED, at + 1, particle))
        origin = next((i for i in range(particle + 1, end) if tokens[i].text == "from"), None)
        if origin is not None:
            found.append(Scope(Qualifier.STOPPED, origin + 1, end))
    return found


def says_nothing(tokens: Sequence[Token], kind: Kind, tail: str) -> bool:
    """Whether an entry has neither a word that begins a trigger phrase nor a sign that may be one."""
    begins = BEGINS[kind]
    if any(token.text in begins for token in tokens):
        return False
    return _SIGNS.search("".join([token.gap for token in tokens]) + tail) is None


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
    if not tokens or says_nothing(tokens, kind, tail):
        return []
    triggers = _triggers(tokens, kind, taken)
    found: list[Scope] = []
    for position, trigger in enumerate(triggers):
        start, end, qualifier, opens = trigger
        earlier = triggers[position - 1] if position else None
        if opens:
            if earlier is not None and earlier.opens and qualifier is Qualifier.ALLERGY and _denied_too(tokens, earlier, trigger):
                continue
            found.append(_opened(tokens, triggers, position, taken))
            continue
        begin = _item_start(tokens, start - 1)
        if qualifier is Qualifier.STOPPED and _again(tokens, end, taken):
            continue
        denied = earlier is not None and earlier.opens and earlier.qualifier is Qualifier.NEGATED and earlier.start >= begin
        if denied and qualifier is Qualifier.ALLERGY and tokens[start].gap == " ":
            # "no penicillin allergy" denies the allergy, "no penicillin (allergy)" says why.
            continue
        found.append(Scope(qualifier, begin, start))
        if tokens[start].text in ("vs", "versus"):
            found.append(Scope(qualifier, end, _item_end(tokens, end) if end < len(tokens) else end))
    if kind is Kind.DRUG:
        found += _exchanges(tokens, taken)
    return found + _marks(tokens, tail)


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
