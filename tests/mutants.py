"""Mutation testing: changes the code of a module in small ways and counts which changes no test notices.

``python -m tests.mutants text tables`` runs mutmut (the extra ``mutants``) for each module, with the tests that speak about it, and
prints a line for each: mutants, killed, timeouts, survived, and untested where no test calls the function. ``--sample 300`` takes
that many mutants of a module at random, and ``--survivors`` shows the changes that survived. A module is worked on in a folder of
its own under ``build/mutants``; ``--resume`` goes on there, and ``--again`` runs what survived there with the tests of now.

mutmut changes the bodies of functions. Module constants (regular expressions, sets of words) and functions with a decorator
(``cached_property``) stay as they are.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORK = ROOT / "build" / "mutants"

LAWS = tuple(
    f"tests/property/test_laws.py::{name}"
    for name in (
        "test_any_text_gives_a_match", "test_mentions_point_into_the_text_as_given",
        "test_what_is_not_matched_says_what_was_not_understood", "test_case_spacing_and_dose_keep_the_concept",
        "test_case_and_spacing_keep_the_condition", "test_a_list_is_split_without_losing_a_letter",
        "test_many_gives_what_one_gives",
    )
)  # fmt: skip
TESTS = {
    "text": (
        "tests/unit/test_text.py",
        "tests/unit/test_matcher.py",
        "tests/property/test_laws.py::test_folding_twice_is_folding_once",
        "tests/property/test_laws.py::test_a_name_has_the_tokens_of_an_entry",
        "tests/property/test_laws.py::test_levelling_a_condition_word_never_loses_it",
        "tests/property/test_laws.py::test_a_list_is_split_without_losing_a_letter",
    ),
    "tables": (
        "tests/unit/test_tables.py",
        "tests/tables/test_rules.py::test_a_broken_file_is_a_table_error_that_says_where",
        "tests/tables/test_rules.py::test_a_missing_file_is_a_table_error",
        "tests/tables/test_rules.py::test_a_folder_that_is_none_is_a_table_error",
        "tests/property/test_laws.py::test_what_is_written_is_read_again",
    ),
    "lexicon": (
        "tests/unit/test_lexicon.py",
        "tests/unit/test_matcher.py",
    ),
    "matcher": (
        "tests/unit/test_matcher.py",
        "tests/unit/test_qualifiers.py",
        "tests/unit/test_matcher_decisions.py",
        "tests/unit/test_checker.py",
        "tests/unit/test_columns.py::test_an_entry_that_says_more_than_names_is_not_read_plainly",
        "tests/unit/test_columns.py::test_a_plain_entry_gives_its_match_too",
        "tests/unit/test_text.py",
        *LAWS,
    ),
}
"""For each module the tests that speak about it and are quick; a mutant that survives them is read."""

COPIED = (
    "data", "tests", "bench", "docs", "examples", "fuzz", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml",
    "hatch_build.py",
)  # fmt: skip

SETTINGS = """
[tool.mutmut]
source_paths = ["cramprisk"]
only_mutate = ["cramprisk/{module}.py"]
also_copy = {copied}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["--hypothesis-profile=mutants", "-p", "no:cacheprovider"]
# A worker is forked from a process that has run no test: what a checker keeps would hide mutants otherwise.
process_isolation = "forkserver"
timeout_multiplier = 6.0
timeout_constant = 2.0
track_dependencies = false
use_git_change_detection = false
"""

LISTING = """
import sys
from pathlib import Path
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.utils.format_utils import get_mutant_name
path = Path(sys.argv[1])
print(*(get_mutant_name(path, name) for name in mutate_file_contents(str(path), path.read_text("utf-8")).mutant_names), sep="\\n")
"""


def prepared(module: str) -> Path:
    """The folder in which a module is worked on, with the code and the tests of now; what was found out there stays."""
    folder = WORK / module
    folder.mkdir(parents=True, exist_ok=True)
    # mutmut copies a file only where there is none, and would miss what changed since.
    shutil.rmtree(folder / "mutants" / "tests", ignore_errors=True)
    # Nor does it ask again which functions a test calls once it has found out.
    (folder / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    for copy in (folder / "mutants" / "cramprisk").rglob("*.py"):
        source = ROOT / copy.relative_to(folder / "mutants")
        if copy.name != f"{module}.py" and (not source.exists() or source.read_bytes() != copy.read_bytes()):
            copy.unlink()
    for name in ("cramprisk", *COPIED):
        link = folder / name
        if name != "pyproject.toml" and not link.is_symlink():
            link.symlink_to(ROOT / name)
    tests = [test for test in TESTS[module] if (ROOT / test.partition("::")[0]).exists()]
    settings = SETTINGS.format(module=module, copied=list(COPIED), tests=tests)
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text("utf-8") + settings, "utf-8")
    return folder


def mutmut(folder: Path, *arguments: str, log: Path | None = None) -> str:
    """What mutmut prints, or its log file filled."""
    program = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if log is None:
        return subprocess.run(program, cwd=folder, env=settings, check=True, capture_output=True, text=True).stdout
    with log.open("w", encoding="utf-8") as handle:
        done = subprocess.run(program, cwd=folder, env=settings, check=False, stdout=handle, stderr=handle)
    if done.returncode:
        raise SystemExit(f"mutmut did not finish, see {log.relative_to(ROOT)}")
    return ""


def chosen(folder: Path, module: str, number: int, seed: int) -> list[str]:
    """So many mutants of a module at random, or none for all of them."""
    if not number:
        return []
    done = subprocess.run(
        [sys.executable, "-c", LISTING, f"cramprisk/{module}.py"], cwd=folder, check=True, capture_output=True, text=True
    )
    names = done.stdout.split()
    return sorted(random.Random(seed).sample(names, min(number, len(names))))


STATES = ("killed", "timeouts", "survived", "untested")
ALIVE = ("survived", "untested")


def results(folder: Path, module: str) -> dict[str, str]:
    """How each mutant ended, of those that were run."""
    ended = {1: "killed", 2: "killed", 3: "killed", 0: "survived", 5: "untested", 33: "untested"} | dict.fromkeys(
        (24, 152, -24, -9), "timeouts"
    )
    codes = json.loads((folder / "mutants" / "cramprisk" / f"{module}.py.meta").read_text("utf-8"))["exit_code_by_key"]
    odd = {name: code for name, code in codes.items() if code is not None and code not in ended}
    if odd:
        raise SystemExit(f"pytest could not be run for these mutants: {odd}")
    return {name: ended[code] for name, code in codes.items() if code is not None}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Mutation testing of modules of the engine.")
    parser.add_argument("modules", nargs="*", default=["text"], choices=sorted(TESTS), metavar="module", help=", ".join(TESTS))
    parser.add_argument("--sample", type=int, default=0, help="so many mutants of each module, at random; 0 takes all (default)")
    parser.add_argument("--seed", type=int, default=1, help="of the choice (default 1)")
    parser.add_argument("--resume", action="store_true", help="go on where a run was stopped, or add to a sample")
    parser.add_argument("--again", action="store_true", help="run only the mutants that survived before, with the tests of now")
    parser.add_argument("--survivors", action="store_true", help="show the changes that survived")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many mutants at once (default all cores)")
    asked = parser.parse_args()
    print(f"{'module':<10}{'mutants':>9}" + "".join(f"{state:>10}" for state in STATES))
    for module in asked.modules:
        if not (asked.resume or asked.again):
            shutil.rmtree(WORK / module, ignore_errors=True)
        folder = prepared(module)
        sample = chosen(folder, module, asked.sample, asked.seed)
        run = [name for name, state in results(folder, module).items() if state in ALIVE] if asked.again else sample
        if run or not asked.again:
            mutmut(folder, "run", "--max-children", str(asked.processes), *run, log=folder / "log.txt")
        states = results(folder, module)
        states = {name: states[name] for name in sample or states}
        count = Counter(states.values())
        print(f"{module:<10}{len(states):>9}" + "".join(f"{count[state]:>10}" for state in STATES), flush=True)
        if asked.survivors:
            for name in (name for name, state in states.items() if state in ALIVE):
                print(mutmut(folder, "show", name))


if __name__ == "__main__":
    main()
