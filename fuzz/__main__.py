"""``python -m fuzz TARGET --seconds N``: search for inputs that break a promise, guided by coverage.

An input that does is written to ``fuzz/findings/``; once mended it becomes a case in ``tests/cases/fuzz/TARGET/``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import pkgutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
CASES = HERE.parent / "tests" / "cases" / "fuzz"


_SIGNS = (
    "stopped", "allergic to ", "no h/o ", " mg po qd", "; ", " / ", "hypo", "hyper", "RxCUI 4603", "E11.9", "|", '"', "'",
)  # fmt: skip
_BYTES = (
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"PK\x03\x04", b"\r\n", b"\r", b"\n\n",
    b'",', b'""', b",,", b"\0", b"\xef\xbf\xbd", b"\xe9", b"=", b"#", b"\x1f", b"\\ud800", b"NaN", b"1e999", b'{"',
    b'":', b"null",
    b"ignore", b"A1:XFD1048576", b'r="XFD1048576"', b't="s"', b't="e"', b's="1"', b"<v>", b"</row>", b"&#0;", b"sharedStrings",
)  # fmt: skip


def _words(target: str, folder: Path) -> Path:
    """A file of names and signs for the fuzzer to put together; letters alone would seldom make a name or a key."""
    from cramprisk.checker import Checker
    from cramprisk.model import Kind

    names = [name for kind in Kind for name in Checker.default().matcher(kind).lexicon.near_keys()[::100]]
    if target in ("fhir", "hooks"):
        from fuzz.targets_fhir import KEYS

        words = [f'"{key}":'.encode() for key in KEYS] + [name.encode() for name in names[::20]]
    elif target == "files":
        words = [*_BYTES, *(name.encode() for name in names[::20])]
    else:
        words = [word.encode() for word in (*names, *_SIGNS) if word.isascii()]
    path = folder / f"{target}.dict"
    lines = ("".join(f"\\x{byte:02x}" for byte in word) for word in words)
    path.write_text("".join(f'"{line}"\n' for line in lines), encoding="ascii")
    return path


def main() -> None:
    """Runs one target until the time is over."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", help="text, tables, …: a name in fuzz/targets.py")
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit('fuzzing needs atheris: pip install "cramprisk[fuzz]"')
    with atheris.instrument_imports(include=["cramprisk"]):
        # What is imported later, inside a function, would not be seen by the fuzzer.
        import cramprisk

        for module in pkgutil.walk_packages(cramprisk.__path__, "cramprisk."):
            if not module.name.endswith("__main__"):
                with contextlib.suppress(ImportError):
                    importlib.import_module(module.name)
        from fuzz.targets import TARGETS
    if arguments.target not in TARGETS:
        sys.exit(f"no such target: choose one of {', '.join(TARGETS)}")
    corpus = HERE / "corpus" / arguments.target
    findings = HERE / "findings" / arguments.target
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    options = [
        sys.argv[0],
        str(corpus),
        *([str(CASES / arguments.target)] if (CASES / arguments.target).is_dir() else []),
        f"-max_total_time={arguments.seconds}",
        f"-artifact_prefix={findings}/",
        "-max_len=2000",
        "-timeout=60",
        "-len_control=10",
        f"-dict={_words(arguments.target, corpus.parent)}",
        "-rss_limit_mb=4000",
        "-print_final_stats=1",
    ]
    atheris.Setup(options, TARGETS[arguments.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
