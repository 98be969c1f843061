"""Score a matcher on the labelled development lists: ``python -m bench.accuracy [--show] [--baseline N]``.

A pair is (text, concept). *Recall* is the share of expected pairs found, *precision* the share of found pairs that
are expected. On the lists that are labelled for a panel of medicines or conditions only, only concepts of the panel
count. A found concept that belongs to the expected one (haemodialysis for dialysis) is right; the reverse is not.

The lists are not part of this project. They are looked for in ``../shared/corpora`` beside it, or in the folder that
``CRAMPRISK_CORPORA`` names; without them this says so and stops.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import string
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cramprisk.checker import Checker
from cramprisk.lexicon import Lexicon
from cramprisk.model import Kind, Match, Qualifier, Status
from cramprisk.names import names_of
from cramprisk.tables import Tables

PANEL_DRUGS = frozenset(
    """hydrochlorothiazide chlorothiazide chlortalidone bendroflumethiazide indapamide metolazone methyclothiazide xipamide
    cyclopenthiazide polythiazide trichlormethiazide hydroflumethiazide benzthiazide mefruside clopamide altizide bemetizide
    butizide clorexolone quinethazone furosemide bumetanide torasemide etacrynic-acid piretanide azosemide spironolactone
    eplerenone triamterene amiloride potassium-canrenoate atorvastatin fluvastatin lovastatin pitavastatin pravastatin
    rosuvastatin simvastatin cerivastatin salbutamol levosalbutamol terbutaline fenoterol pirbuterol orciprenaline reproterol
    rimiterol bambuterol tulobuterol procaterol clenbuterol salmeterol formoterol arformoterol indacaterol olodaterol
    vilanterol ipratropium zolpidem clonazepam amoxicillin conjugated-estrogens carisoprodol diltiazem verapamil orphenadrine
    quinine naproxen ibuprofen paracetamol raloxifene teriparatide donepezil nifedipine""".split()
)
PANEL_CONDITIONS = frozenset(
    """type-1-diabetes type-2-diabetes diabetes hypothyroidism hyperthyroidism thyroid-disease parkinsons-disease
    multiple-sclerosis motor-neuron-disease peripheral-neuropathy charcot-marie-tooth spinal-stenosis lumbar-radiculopathy
    flat-feet osteoarthritis peripheral-arterial-disease varicose-veins-venous-insufficiency cirrhosis chronic-liver-disease
    chronic-kidney-disease dialysis-esrd dehydration hypokalaemia hypomagnesaemia hypocalcaemia hyponatraemia
    electrolyte-imbalance pregnancy hypoparathyroidism adrenal-insufficiency vitamin-d-deficiency alcohol-use-disorder
    restless-legs-syndrome muscle-cramp deep-vein-thrombosis dystonia""".split()
)
_SAME_ID = {
    "diabetes-unspecified": "diabetes",
    "thyroid-disease-unspecified": "thyroid-disease",
    "electrolyte-imbalance-unspecified": "electrolyte-imbalance",
}

# Where the labels of adverse_event_reports name a product by its contents (or the reverse) and our tables have it as
# one concept: the concept, and the label substances it stands for. Scores are given without and with these.
CONVENTIONS: dict[str, frozenset[str]] = {
    concept: frozenset(labels.split("; "))
    for concept, labels in {
        "peritoneal-dialysis-solution": "calcium; glucose; icodextrin; magnesium; sodium chloride; sodium lactate",
        "multivitamin": "vitamins, unspecified; minerals, unspecified; vitamin a; vitamin c; vitamin e; zinc; cupric oxide",
        "enteral-nutrition": "vitamins, unspecified; minerals, unspecified; carbohydrates, unspecified",
        "parenteral-nutrition": "amino acids, unspecified; vitamins, unspecified; minerals, unspecified",
        "artificial-tears": "macrogol; propylene glycol; povidone",
        "thyroid": "levothyroxine; liothyronine; thyroid hormones, unspecified",
        "choriogonadotropin-alfa": "chorionic gonadotrophin",
        "potassium-iodide": "iodine",
        "iron-dextran": "iron",
        "povidone-iodine": "povidone; iodine",
        "pancreatin": "multienzymes",
        "silymarin": "silybum spp",
        "conjugated-estrogens": "estrogens, unspecified",
        "contraceptive-device": "intrauterine contraceptive device",
        "copper-intrauterine-device": "intrauterine contraceptive device",
        "insulin-pump-supplies": "insulin",
        "sunscreens": "skin care",
        "water-for-injection": "water",
    }.items()
}

Read = Callable[[Sequence[str], Kind], list[Match]]
Pair = tuple[str, str]


@dataclass
class Score:
    """The outcome on one list."""

    corpus: str
    texts: int = 0
    right: int = 0
    expected: int = 0
    found: int = 0
    unresolved: int = 0
    wrong: list[Pair] = field(default_factory=list)
    missed: list[Pair] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.right / self.expected if self.expected else float("nan")

    @property
    def precision(self) -> float:
        return 1 - len(self.wrong) / self.found if self.found else float("nan")

    def line(self) -> str:
        return (
            f"{self.corpus:<40}{self.texts:>6} texts  recall {self.recall:7.4f} ({self.right}/{self.expected})"
            f"  precision {self.precision:7.4f} ({len(self.wrong)} wrong of {self.found})"
            f"  unresolved {self.unresolved / max(1, self.texts):6.1%}"
        )


def corpora_folder() -> Path | None:
    """Where the development lists are, or None."""
    named = os.environ.get("CRAMPRISK_CORPORA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "corpora"
    return folder if (folder / "hospital_orders_us.csv").is_file() else None


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def panel_score(corpus: str, labelled: Iterable[dict[str, str]], kind: Kind, read: Read, lexicon: Lexicon) -> Score:
    """Score on a list with ``text``, ``expected`` (``|`` between ids, ``:qualifier`` after one) and ``sure``."""
    panel = PANEL_DRUGS if kind is Kind.DRUG else PANEL_CONDITIONS
    sure = [row for row in labelled if row["sure"] == "1"]
    score = Score(corpus, len(sure))
    for row, match in zip(sure, read([row["text"] for row in sure], kind), strict=True):
        expected = set()
        for label in filter(None, row["expected"].split("|")):
            concept, _, qualifier = label.partition(":")
            expected.add((_SAME_ID.get(concept, concept), qualifier))
        found = set()
        for mention in match.mentions:
            if mention.qualifier is Qualifier.PREVENTION:
                continue
            qualifier = mention.qualifier.value if mention.qualifier and kind is Kind.CONDITION else ""
            for concept in mention.concepts:
                inside = concept if concept in panel else next((up for up in lexicon.ancestors(concept) if up in panel), None)
                if inside:
                    found.add((inside, qualifier))
        _tally(score, row["text"], expected, found)
        score.unresolved += match.status in (Status.UNRECOGNISED, Status.AMBIGUOUS)
    return score


def _tally(score: Score, text: str, expected: set[tuple[str, str]], found: set[tuple[str, str]]) -> None:
    show = ":".join
    score.expected += len(expected)
    score.found += len(found)
    score.right += len(expected & found)
    score.missed += [(text, show(filter(None, one))) for one in sorted(expected - found)]
    score.wrong += [(text, show(filter(None, one))) for one in sorted(found - expected)]


def substance_ids(substance: str, lexicon: Lexicon) -> tuple[str, ...]:
    """The ids of a label's substance by exact name, without the closing words that labels carry."""
    bare = substance.replace("_", " ").removesuffix(", unspecified").removesuffix(" spp").removesuffix(" unspecified")
    for form in (bare, bare + "s", bare + " vaccine"):
        name = lexicon.name(lexicon.key(lexicon.tokens_of(form)))
        if name is not None:
            return name.concepts
    return ()


def substance_score(
    corpus: str,
    labelled: Sequence[tuple[str, Sequence[str]]],
    read: Read,
    lexicon: Lexicon,
    *,
    complete: bool = True,
    conventions: Mapping[str, frozenset[str]] | None = None,
) -> Score:
    """Score on texts with their substances; a substance that is not in the tables counts as missed.

    Where the labels are not complete (one ingredient for a combination), further ingredients beside a right one are
    not wrong.
    """
    score = Score(corpus, len(labelled))
    for (text, substances), match in zip(labelled, read([text for text, _ in labelled], Kind.DRUG), strict=True):
        expected = {concept for substance in substances for concept in substance_ids(substance, lexicon)}
        found = {concept for mention in match.mentions for concept in mention.concepts}
        hit = {want for want in expected if any(lexicon.is_a(concept, want) for concept in found)}
        stray = {concept for concept in found if not any(lexicon.is_a(concept, want) for want in expected)}
        for concept in sorted(found) if conventions else ():
            said = conventions.get(concept, frozenset()) & set(substances) if conventions else frozenset()
            if said:
                stray.discard(concept)
                hit |= {want for substance in said for want in substance_ids(substance, lexicon) if want in expected}
        if hit and not complete:
            found, stray = found - stray, set()
        unknown = [substance for substance in substances if not substance_ids(substance, lexicon)]
        score.expected += len(expected) + len(unknown)
        score.right += len(hit)
        score.found += len(found)
        score.missed += [(text, concept) for concept in [*sorted(expected - hit), *unknown]]
        score.wrong += [(text, concept) for concept in sorted(stray)]
        score.unresolved += match.status in (Status.UNRECOGNISED, Status.AMBIGUOUS)
    return score


def typed_wrong(name: str) -> list[str]:
    """Every string one letter away from a name: deletions, insertions, substitutions, transpositions."""
    letters = string.ascii_lowercase
    out = {name[:i] + name[i + 1 :] for i in range(len(name))}
    out |= {name[:i] + char + name[i:] for i in range(len(name) + 1) for char in letters}
    out |= {name[:i] + char + name[i + 1 :] for i in range(len(name)) for char in letters}
    out |= {name[:i] + name[i + 1] + name[i] + name[i + 2 :] for i in range(len(name) - 1)}
    out.discard(name)
    return sorted(out)


def look_alike_score(pairs: Iterable[dict[str, str]], read: Read, lexicon: Lexicon) -> Score:
    """Confusions on a list of look-alike pairs: each name as it is and with every single slip."""
    score = Score("look_alikes_fda")
    for row in pairs:
        name, partner = row["name"].lower(), row["confused_with"].lower()
        own, other = substance_ids(name, lexicon), substance_ids(partner, lexicon)
        texts = [row["name"], name, *typed_wrong(name)]
        for text, match in zip(texts, read(texts, Kind.DRUG), strict=True):
            score.texts += 1
            score.expected += 1
            if lexicon.name(lexicon.key(lexicon.tokens_of(text))) and text not in texts[:2]:
                score.expected -= 1  # the slip spells another known name: exact, and no question of nearness
                continue
            score.right += set(own) <= set(match.concepts)
            score.found += len(match.concepts)
            score.unresolved += match.status in (Status.UNRECOGNISED, Status.AMBIGUOUS)
            if set(match.concepts) & (set(other) - set(own)):
                score.wrong.append((text, partner))
    return score


def plain_wratio(tables: Tables, lexicon: Lexicon, cutoff: float = 85.0) -> Read:
    """The plain matcher to compare with: the one best WRatio over the same names, taken from a cutoff on."""
    from rapidfuzz import fuzz, process

    from cramprisk.model import Mention, Method

    names = {name.text.lower(): name for name in names_of(tables, lexicon.kind)}
    choices = list(names)

    def read(texts: Sequence[str], kind: Kind) -> list[Match]:
        matches = []
        for text in texts:
            best = process.extractOne(text.lower(), choices, scorer=fuzz.WRatio, score_cutoff=cutoff)
            if best is None:
                matches.append(Match(text, kind, Status.UNRECOGNISED))
                continue
            name = names[best[0]]
            mention = Mention(name.concepts, text, name.text, name.table, Method.NEAR, best[1], 0, len(text))
            matches.append(Match(text, kind, Status.MATCHED, name.concepts, (mention,)))
        return matches

    return read


def all_scores(folder: Path, checker: Checker, read: Read, sample: int | None = None) -> list[Score]:
    """The scores on all development lists, or on a fixed random sample of each."""

    def some(name: str) -> list[dict[str, str]]:
        found = rows(folder, name)
        return random.Random(7).sample(found, min(sample, len(found))) if sample else found

    drugs, conditions = checker.drugs.lexicon, checker.conditions.lexicon
    scores = [
        panel_score("hospital_orders_us", some("hospital_orders_us"), Kind.DRUG, read, drugs),
        panel_score("ehr_medications_us", some("ehr_medications_us"), Kind.DRUG, read, drugs),
    ]
    reports = [(row["text"], [one for one in row["substances"].split("; ") if one]) for row in some("adverse_event_reports")]
    # A row without a substance was not resolved by its annotators: nothing can be scored on it.
    reports = [(text, substances) for text, substances in reports if substances]
    in_tables = [one for one in reports if all(substance_ids(substance, drugs) for substance in one[1])]
    for label, some_reports in (("adverse events, all", reports), ("adverse events, in tables", in_tables)):
        scores.append(substance_score(label, some_reports, read, drugs))
        scores.append(substance_score(f"{label}, CONVENTIONS", some_reports, read, drugs, conventions=CONVENTIONS))
    slips = [(row["text"], [row["drug"]]) for row in some("misspellings")]
    slips = [one for one in slips if substance_ids(one[1][0], drugs)]
    scores.append(substance_score("misspellings (silver)", slips, read, drugs, complete=False))
    judged = {(row["text"], row["label"]) for row in rows(Path(__file__).parent, "misspellings_judged")}
    right = [one for one in slips if (one[0], one[1][0]) not in judged]
    scores.append(substance_score("  without labels judged wrong", right, read, drugs, complete=False))
    scores += [
        panel_score("problem_list_us", some("problem_list_us"), Kind.CONDITION, read, conditions),
        panel_score("survey_reasons_us", some("survey_reasons_us"), Kind.CONDITION, read, conditions),
    ]
    return scores


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__.splitlines()[0])
    parser.add_argument("--show", action="store_true", help="list each wrong and each missed pair")
    parser.add_argument(
        "--baseline", type=int, default=150, metavar="N", help="texts per list for the plain WRatio matcher; 0 to skip"
    )
    arguments = parser.parse_args(argv)
    folder = corpora_folder()
    if folder is None:
        print("The development lists are not here (../shared/corpora, or the folder in CRAMPRISK_CORPORA). Nothing was scored.")
        return 0
    checker = Checker.default()
    print(f"cramprisk, tables {checker.tables.version} ({checker.tables.digest[:12]})")
    started = time.perf_counter()
    scores = all_scores(folder, checker, checker.normalize_many)
    scores.append(look_alike_score(rows(folder, "look_alikes_fda"), checker.normalize_many, checker.drugs.lexicon))
    for score in scores:
        print(score.line())
    print(f"in {time.perf_counter() - started:.1f} s")
    if arguments.show:
        for score in scores:
            for label, pairs in (("wrong", score.wrong), ("missed", score.missed)):
                for text, concept in pairs:
                    print(f"{score.corpus}\t{label}\t{text}\t{concept}")
    if arguments.baseline:
        print(f"\nplain rapidfuzz WRatio over the same names, cutoff 85, {arguments.baseline} texts of each list")
        readers = {kind: plain_wratio(checker.tables, checker.matcher(kind).lexicon) for kind in Kind}
        for score in all_scores(folder, checker, lambda texts, kind: readers[kind](texts, kind), arguments.baseline):
            print(score.line())
    return 0


if __name__ == "__main__":
    sys.exit(main())
