"""Import of an official RxNorm release into a vocabulary file.

Reads ``RXNCONSO.RRF``, ``RXNREL.RRF`` and ``RXNSAT.RRF`` of a full release or of the Current Prescribable Content,
from a folder or from the zip as it is downloaded. Layout: RxNorm Technical Documentation, National Library of Medicine
(https://www.nlm.nih.gov/research/umls/rxnorm/docs/techdoc.html). Of the names only those with ``SAB=RXNORM`` are read,
which are free of licence restrictions.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, NamedTuple

from cramprisk.errors import VocabularyError
from cramprisk.model import Kind
from cramprisk.names import compared_tokens, key_of, reachable
from cramprisk.sorted_names import NamesByLength, SortedNames, pack
from cramprisk.tables import write_file
from cramprisk.vocabulary import MARK

__all__ = ["import_rxnorm"]

_COLUMNS = {"RXNCONSO.RRF": 18, "RXNREL.RRF": 16, "RXNSAT.RRF": 13}

# What each kind of concept (TTY) is made of: kinds to follow, the first group that has any relation counts. A branded
# drug is what its clinical drug is; a brand name alone may stand for several products.
_MADE_OF: dict[bytes, tuple[tuple[bytes, ...], ...]] = {
    b"PIN": ((b"IN",),),
    b"MIN": ((b"IN",), (b"PIN",)),
    b"BN": ((b"IN",), (b"PIN",), (b"MIN",)),
    b"SCDC": ((b"IN",), (b"PIN",)),
    b"SBDC": ((b"SCDC",), (b"BN",)),
    b"SCD": ((b"SCDC",), (b"MIN",), (b"IN",), (b"PIN",)),
    b"SBD": ((b"SCD",), (b"SBDC",), (b"SCDC",), (b"BN",)),
    b"SCDF": ((b"IN",), (b"MIN",), (b"PIN",)),
    b"SCDFP": ((b"PIN",), (b"IN",)),
    b"SBDF": ((b"SCDF",), (b"BN",)),
    b"SBDFP": ((b"SCDFP",), (b"SBDF",), (b"BN",)),
    b"SCDG": ((b"IN",), (b"MIN",), (b"PIN",)),
    b"SCDGP": ((b"PIN",), (b"IN",), (b"SCDG",)),
    b"SBDG": ((b"SCDG",), (b"BN",)),
    b"GPCK": ((b"SCD",),),
    b"BPCK": ((b"GPCK",), (b"SBD", b"SCD")),
}
_RELATIONS = frozenset(
    b"tradename_of has_tradename has_ingredient ingredient_of has_ingredients ingredients_of has_precise_ingredient "
    b"precise_ingredient_of consists_of constitutes contains contained_in has_part part_of has_form form_of isa "
    b"inverse_isa".split()
)
_NAMED = (b"IN", b"PIN", b"BN")
_SYNONYMS = frozenset((b"SY", b"TMSY", b"PSN"))
_ACTIVE, _OBSOLETE = b"N", b"O"
# Relations that lead nowhere are rare in a whole release; many mean that a file is cut or of another release.
_LOST_ALLOWED = 0.02
_REPORT_EVERY = 1 << 20

Progress = Callable[[str, int, int], None]
"""Told the file being read, the bytes read of it so far, and its size."""


class _Atoms(NamedTuple):
    """What RXNCONSO says: kind by RxCUI, active and obsolete names of ingredients and brands by RxCUI, preferred first."""

    kinds: dict[bytes, bytes]
    names: dict[bytes, list[bytes]]
    obsolete: dict[bytes, list[bytes]]
    rows: int


def import_rxnorm(release: Path | str, to: Path | str, progress: Progress | None = None) -> dict[str, object]:
    """Make a vocabulary file of an RxNorm release.

    Args:
        release: The folder or the zip of the release.
        to: The file to write; it appears whole or not at all.
        progress: Called now and then with file, bytes read and size in bytes.

    Returns:
        What stands in the file: ``release`` and counts by label.

    Raises:
        VocabularyError: A file is missing, cut off or of another layout; nothing is written.
        InputError: The target cannot be written.
    """
    source = _Release(Path(release), progress)
    atoms = _read_atoms(source)
    if not atoms.kinds:
        raise VocabularyError("RXNCONSO.RRF: has no row with SAB=RXNORM. Give an RxNorm release of the NLM.")
    edges = _read_relations(source, atoms)
    contents = _contents(atoms, edges)
    edges.clear()
    codes = _read_ndcs(source, contents)
    blocks, counts = _blocks(atoms, contents, codes)
    about: dict[str, object] = {"release": source.label(), **counts}
    write_file(Path(to), pack(MARK, {"about": json.dumps(about).encode(), **blocks}))
    return about


# ---------------------------------------------------------------------- the files of a release


class _Release:
    """Finds the files of a release in a folder or zip and gives their rows."""

    def __init__(self, path: Path, progress: Progress | None) -> None:
        self._progress = progress
        self._path = path
        self._zip: zipfile.ZipFile | None = None
        try:
            if path.is_dir():
                found = {str(one.relative_to(path)): one.stat().st_size for one in path.rglob("*.RRF")}
            elif path.is_file():
                self._zip = zipfile.ZipFile(path)
                found = {one.filename: one.file_size for one in self._zip.infolist()}
            else:
                raise VocabularyError(f"{path.name}: is not there. Give the folder or the zip of an RxNorm release.")
        except zipfile.BadZipFile:
            raise VocabularyError(f"{path.name}: is no whole zip file. Download the release again.") from None
        except OSError as error:
            raise VocabularyError(f"{path.name}: cannot be read ({error.strerror}).") from None
        # A full release holds the prescribable subset once more, in a folder below.
        self._files: dict[str, tuple[str, int]] = {}
        for name, size in sorted(found.items(), key=lambda one: (one[0].count("/") + one[0].count("\\"), one[0])):
            self._files.setdefault(re.split(r"[/\\]", name)[-1].upper(), (name, size))
        missing = [file for file in _COLUMNS if file not in self._files]
        if missing:
            raise VocabularyError(f"{path.name}: {', '.join(missing)} not found. Give the whole release, as downloaded.")

    def label(self) -> str:
        """The version of the release as RXNSAB.RRF gives it, else the name of the folder or zip."""
        if "RXNSAB.RRF" in self._files:
            with self._open("RXNSAB.RRF") as handle:
                for line in handle:
                    cells = line.split(b"|")
                    if len(cells) > 6 and cells[3] == b"RXNORM" and cells[6]:
                        return f"RxNorm {cells[6].decode('ascii', 'replace')}"
        return self._path.name

    def _open(self, file: str) -> AbstractContextManager[IO[bytes]]:
        name, _ = self._files[file]
        return self._zip.open(name) if self._zip is not None else (self._path / name).open("rb")

    def rows(self, file: str) -> Iterator[list[bytes]]:
        """The cells of each row of a file, checked for its layout.

        Raises:
            VocabularyError: A row has another number of columns, or the file is cut off or damaged.
        """
        bars = _COLUMNS[file]
        size = self._files[file][1]
        done = reported = number = 0
        line = b"\n"
        try:
            with self._open(file) as handle:
                for number, line in enumerate(handle, start=1):
                    if line.count(b"|") != bars:
                        raise VocabularyError(
                            f"{file}: line {number} has {line.count(b'|')} columns, the layout has {bars}. "
                            "The file is cut off or not of RxNorm. Download the release again."
                        )
                    done += len(line)
                    if self._progress is not None and done - reported >= _REPORT_EVERY:
                        self._progress(file, done, size)
                        reported = done
                    yield line.split(b"|")
        except (zipfile.BadZipFile, zlib.error, EOFError):
            raise VocabularyError(f"{file}: is damaged inside the zip. Download the release again.") from None
        except OSError as error:
            raise VocabularyError(f"{file}: cannot be read ({error.strerror}).") from None
        if not number:
            raise VocabularyError(f"{file}: is empty. Download the release again.")
        if not line.endswith(b"\n"):
            raise VocabularyError(f"{file}: line {number} is cut off. Download the release again.")
        if self._progress is not None:
            self._progress(file, size, size)


# ---------------------------------------------------------------------- names, relations, codes


def _read_atoms(source: _Release) -> _Atoms:
    kinds: dict[bytes, bytes] = {}
    names: dict[bytes, list[bytes]] = {}
    obsolete: dict[bytes, list[bytes]] = {}
    synonyms: list[tuple[bytes, bytes]] = []
    rows = 0
    for cells in source.rows("RXNCONSO.RRF"):
        rows += 1
        if cells[11] != b"RXNORM":
            continue
        rxcui, kind, text, suppress = cells[0], cells[12], cells[14], cells[16]
        if kind in _SYNONYMS:
            if suppress == _ACTIVE:
                synonyms.append((rxcui, text))
        else:
            # One RxCUI has one kind, except that an obsolete atom may stand beside the one that replaced it.
            if suppress == _ACTIVE or rxcui not in kinds:
                kinds[rxcui] = kind
            if kind in _NAMED and suppress in (_ACTIVE, _OBSOLETE):
                (names if suppress == _ACTIVE else obsolete).setdefault(rxcui, []).append(text)
    for rxcui, text in synonyms:
        if kinds.get(rxcui) in _NAMED:
            names.setdefault(rxcui, []).append(text)
    return _Atoms(kinds, names, obsolete, rows)


def _read_relations(source: _Release, atoms: _Atoms) -> dict[bytes, list[bytes]]:
    """For each concept those it is made of, of any kind.

    Each relation stands in the file in both directions; which of the two a row has follows from the kinds.
    """
    kinds = atoms.kinds
    follow = {(whole, part) for whole, groups in _MADE_OF.items() for group in groups for part in group}
    edges: dict[bytes, list[bytes]] = {}
    seen = lost = 0
    for cells in source.rows("RXNREL.RRF"):
        if cells[10] != b"RXNORM" or cells[7] not in _RELATIONS or not cells[0] or not cells[4]:
            continue
        seen += 1
        one, other = cells[0], cells[4]
        first, second = kinds.get(one), kinds.get(other)
        if first is None or second is None:
            lost += 1
        elif (first, second) in follow:
            edges.setdefault(one, []).append(other)
        elif (second, first) in follow:
            edges.setdefault(other, []).append(one)
    if not seen:
        raise VocabularyError("RXNREL.RRF: has no relation of RxNorm. Give an RxNorm release of the NLM.")
    if lost > seen * _LOST_ALLOWED:
        raise VocabularyError(
            f"RXNREL.RRF: {lost} of {seen} relations name concepts that RXNCONSO.RRF lacks. "
            "One of the two is cut off or of another release. Download the release again."
        )
    return edges


def _contents(atoms: _Atoms, edges: dict[bytes, list[bytes]]) -> dict[bytes, tuple[bytes, ...]]:
    """The ingredients of every concept that has any, sorted; those of an ingredient are itself."""
    kinds = atoms.kinds
    # Kinds in an order in which what a concept is made of comes first.
    order = (b"IN", *_MADE_OF)
    by_kind: dict[bytes, list[bytes]] = {kind: [] for kind in order}
    for rxcui, kind in kinds.items():
        by_kind.setdefault(kind, []).append(rxcui)
    found: dict[bytes, tuple[bytes, ...]] = {rxcui: (rxcui,) for rxcui in by_kind[b"IN"]}
    shared: dict[tuple[bytes, ...], tuple[bytes, ...]] = {}
    for kind, groups in _MADE_OF.items():
        for rxcui in by_kind[kind]:
            parts = edges.get(rxcui, ())
            for group in groups:
                inside = {one for part in parts if kinds[part] in group for one in found.get(part, ())}
                if inside:
                    ingredients = tuple(sorted(inside))
                    found[rxcui] = shared.setdefault(ingredients, ingredients)
                    break
    return found


# RxNorm itself, and the product labels of the FDA; other sources may be licensed.
_NDC_SOURCES = (b"RXNORM", b"MTHSPL")
_NDC = re.compile(rb"(\d{4,5})-(\d{3,4})-(\d{1,2})")


def _read_ndcs(source: _Release, contents: dict[bytes, tuple[bytes, ...]]) -> dict[bytes, bytes]:
    """RxCUIs by NDC of eleven digits; an active code before a suppressed one."""
    found: dict[bytes, bytes] = {}
    suppressed: dict[bytes, bytes] = {}
    for cells in source.rows("RXNSAT.RRF"):
        if cells[8] != b"NDC" or cells[9] not in _NDC_SOURCES or cells[0] not in contents:
            continue
        code = cells[10]
        parts = _NDC.fullmatch(code)
        if parts:
            code = parts[1].zfill(5) + parts[2].zfill(4) + parts[3].zfill(2)
        if len(code) == 11 and code.isdigit():
            (found if cells[11] == _ACTIVE else suppressed).setdefault(code, cells[0])
    return suppressed | found


def _blocks(
    atoms: _Atoms, contents: dict[bytes, tuple[bytes, ...]], codes: dict[bytes, bytes]
) -> tuple[dict[str, bytes], dict[str, int]]:
    keys: dict[str, tuple[int, str, tuple[bytes, ...]]] = {}
    several: set[str] = set()
    tokens_of: dict[str, list[str]] = {}
    # Active names before obsolete ones, ingredients before brands: the first of two with the same contents stays.
    for names in (atoms.names, atoms.obsolete):
        for rank, kind in enumerate(_NAMED):
            for rxcui, texts in names.items():
                if atoms.kinds[rxcui] != kind or rxcui not in contents:
                    continue
                for text in dict.fromkeys(texts):
                    tokens = compared_tokens(text.decode("utf-8", "replace"), Kind.DRUG)
                    if not tokens:
                        continue
                    key = key_of(tokens, Kind.DRUG)
                    known = keys.get(key)
                    if known is None:
                        keys[key] = (rank, f"{kind.decode()}:{rxcui.decode()}", contents[rxcui])
                        tokens_of[key] = tokens
                    elif known[2] != contents[rxcui] and known[0] == rank and names is atoms.names:
                        several.add(key)
    for key in several:
        del keys[key], tokens_of[key]
    named = {key: value for key, (_, value, _) in keys.items()}
    ingredients = [rxcui for rxcui, kind in atoms.kinds.items() if kind == b"IN"]
    blocks = {
        "keys": SortedNames.block_of(named.items()),
        "joined": SortedNames.block_of(("".join(tokens_of[key]), named[key]) for key in named if len(tokens_of[key]) > 1),
        "lengths": SortedNames.block_of(
            (tokens_of[key][0], str(len(tokens_of[key]))) for key in named if len(tokens_of[key]) > 1
        ),
        "near": NamesByLength.block_of("".join(tokens) for tokens in tokens_of.values() if reachable(tokens, Kind.DRUG)),
        "contents": SortedNames.block_of(
            (rxcui.decode(), one.decode()) for rxcui, inside in contents.items() if atoms.kinds[rxcui] != b"IN" for one in inside
        ),
        "ingredients": SortedNames.block_of(_ingredient_names(atoms, ingredients)),
        "ndc": SortedNames.block_of((code.decode(), rxcui.decode()) for code, rxcui in codes.items()),
    }
    counts = {
        "rows of RXNCONSO": atoms.rows,
        "ingredients": len(ingredients),
        "names": len(named),
        "names left out, with several meanings": len(several),
        "medicines": len(contents),
        "medicines without ingredients": sum(kind in _MADE_OF and rxcui not in contents for rxcui, kind in atoms.kinds.items()),
        "NDCs": len(codes),
    }
    return blocks, counts


def _ingredient_names(atoms: _Atoms, ingredients: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    for rxcui in ingredients:
        texts = atoms.names.get(rxcui) or atoms.obsolete.get(rxcui) or [rxcui]
        yield rxcui.decode(), " ".join(texts[0].decode("utf-8", "replace").split())
