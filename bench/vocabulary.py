"""Import of a generated RxNorm release of real size: ``python -m bench.vocabulary``.

The release has the layout and about the size of a full one: a million rows of RXNCONSO, several million of RXNREL and
RXNSAT. Time is given beside that of reading the same files without doing anything; the peak memory is the process's.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from cramprisk.rxnorm import import_rxnorm
from cramprisk.vocabulary import read_vocabulary

SYLLABLES = "ba ce di fo gu ka le mi no pu ra se ti vo xa ze lo ma ne pri sta tro vul zol dex pro".split()
FULL = (1_000_000, 7_000_000, 7_000_000)


def generate(folder: Path, atoms: int, relations: int, attributes: int) -> None:
    """Write a release: a third of the atoms RxNorm's own, the others of other sources, as in a full release."""
    chance = random.Random(1)
    rrf = folder / "rrf"
    rrf.mkdir(parents=True)
    own = atoms // 3
    ingredients, brands = own // 20, own // 10
    products = (own - ingredients - brands) // 2
    names = ["".join(chance.choices(SYLLABLES, k=4)) + str(number % 7) for number in range(ingredients + brands)]
    components = range(ingredients + brands, ingredients + brands + products)
    clinical = range(components.stop, components.stop + products)
    with (rrf / "RXNCONSO.RRF").open("w", encoding="utf-8", newline="") as out:
        for number in range(ingredients + brands):
            kind = "IN" if number < ingredients else "BN"
            out.write(f"{number}|ENG||||||{number}||{number}||RXNORM|{kind}|{number}|{names[number]}||N|4096|\n")
        for kind, numbers in (("SCDC", components), ("SCD", clinical)):
            for number in numbers:
                name = f"{names[number % ingredients]} {number % 500} MG Oral Tablet"
                out.write(f"{number}|ENG||||||{number}||{number}||RXNORM|{kind}|{number}|{name}||N|4096|\n")
        for number in range(atoms - ingredients - brands - 2 * products):
            owner = number % clinical.stop
            out.write(f"{owner}|ENG||||||{number + 9_000_000}||x||MTHSPL|SU|x|ANOTHER NAME {number}||N|4096|\n")
    with (rrf / "RXNREL.RRF").open("w", encoding="utf-8", newline="") as out:
        written = 0

        def both(one: int, rela: str, other: int, inverse: str) -> int:
            out.write(f"{one}||CUI|RO|{other}||CUI|{rela}|{written}||RXNORM|||||4096|\n")
            out.write(f"{other}||CUI|RO|{one}||CUI|{inverse}|{written}||RXNORM|||||4096|\n")
            return 2

        for brand in range(ingredients, ingredients + brands):
            written += both(brand % ingredients, "tradename_of", brand, "has_tradename")
        for component, drug in zip(components, clinical, strict=True):
            written += both(drug % ingredients, "has_ingredient", component, "ingredient_of")
            written += both(component, "consists_of", drug, "constitutes")
        while written < relations:
            out.write(f"|{written}|AUI|RO||{written + 1}|AUI|has_active_ingredient|{written}||MTHSPL|||||4096|\n")
            written += 1
    with (rrf / "RXNSAT.RRF").open("w", encoding="utf-8", newline="") as out:
        for number in range(attributes):
            rxcui = clinical.start + number % len(clinical)
            if number % 10 == 0:
                out.write(f"{rxcui}|||{number}|AUI|{rxcui}|||NDC|RXNORM|{number:011}|N|4096|\n")
            else:
                out.write(f"{rxcui}|||{number}|AUI|{rxcui}|||SPL_SET_ID|MTHSPL|value {number}|N|4096|\n")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.vocabulary", description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the full size, for a quick look")
    parser.add_argument("--import-only", metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.import_only:
        folder = Path(arguments.import_only)
        started = time.perf_counter()
        about = import_rxnorm(folder, folder / "rxnorm.vocab")
        taken = time.perf_counter() - started
        print(f"{taken} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024} {about['names']} {about['NDCs']}")
        return 0
    sizes = [int(size * arguments.share) for size in FULL]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        generate(folder, *sizes)
        megabytes = sum(path.stat().st_size for path in folder.rglob("*.RRF")) / 1e6
        started = time.perf_counter()
        for path in folder.rglob("*.RRF"):
            with path.open("rb") as handle:
                for line in handle:
                    line.count(b"|")
        bare = time.perf_counter() - started
        command = [sys.executable, "-m", "bench.vocabulary", "--import-only", place]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds, peak, names, ndcs = done.stdout.split()
        size = (folder / "rxnorm.vocab").stat().st_size / 1e6
        started = time.perf_counter()
        vocabulary = read_vocabulary(folder / "rxnorm.vocab")
        vocabulary.contents("7")
        loaded = time.perf_counter() - started
    print(
        f"release of {sizes[0]:,} + {sizes[1]:,} + {sizes[2]:,} rows, {megabytes:,.0f} MB; "
        f"{int(names):,} names, {int(ndcs):,} NDCs"
    )
    print(f"reading its lines and counting their columns        {bare:10.1f} s")
    print(f"import                                 {float(seconds):23.1f} s    {float(seconds) / bare:8.1f} times reading")
    print(f"  its peak memory                                   {float(peak):10.0f} MB")
    print(f"loading the vocabulary file of {size:6.1f} MB           {loaded * 1000:10.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
