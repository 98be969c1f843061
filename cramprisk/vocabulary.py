"""A vocabulary file: the names and codes of an RxNorm release, ready to be looked up beside the tables.

:mod:`cramprisk.rxnorm` makes it. What it holds is RxNorm's own (names, RxCUIs, NDCs, ingredients); which concept of
the tables an ingredient is, is looked up with the tables at hand, so that a file outlives their versions.
"""

from __future__ import annotations

import json
import mmap
from hashlib import sha256
from pathlib import Path
from typing import Any

from cramprisk.errors import VocabularyError
from cramprisk.model import Concept
from cramprisk.sorted_names import SortedNames, mapped, unpack

__all__ = ["BLOCKS", "CONCEPT_PREFIX", "MARK", "Vocabulary", "read_vocabulary"]

MARK = "cramprisk vocabulary 1"
BLOCKS = ("about", "keys", "joined", "lengths", "near", "contents", "ingredients", "ndc")
CONCEPT_PREFIX = "rxcui-"
"""Before the RxCUI in the id of an ingredient that the tables do not have."""


class Vocabulary:
    """Names and codes of one release.

    Args:
        content: That of a vocabulary file.

    Raises:
        VocabularyError: It is another file, or not whole.

    Attributes:
        digest: SHA-256 of the file's content, in hex.
        about: What it was made from: ``release``, and counts by label.
        names: The blocks of names, for a shelf (:class:`~cramprisk.names.VocabularyShelf`); a value is ``TTY:RxCUI``.
    """

    def __init__(self, content: bytes | mmap.mmap) -> None:
        blocks = unpack(content, MARK)
        missing = [name for name in BLOCKS if name not in blocks]
        if missing:
            raise VocabularyError(f"lacks {', '.join(missing)}. Make it anew with: cramprisk vocab import")
        self._content = content
        self.digest = sha256(content).hexdigest()
        self.about: dict[str, Any] = json.loads(blocks["about"].content())
        self.names = {name: blocks[name] for name in ("keys", "joined", "lengths", "near")}
        self._contents = SortedNames(blocks["contents"])
        self._ingredients = SortedNames(blocks["ingredients"])
        self._ndc = SortedNames(blocks["ndc"])

    def __reduce__(self) -> tuple[type[Vocabulary], tuple[bytes]]:
        # A mapped file cannot be sent to another process; what it holds can.
        return Vocabulary, (bytes(self._content),)

    def contents(self, rxcui: str) -> tuple[str, ...]:
        """The RxCUIs of the ingredients of an RxNorm concept; an ingredient is its own. Empty for an unknown one."""
        if rxcui in self._ingredients:
            return (rxcui,)
        return tuple(self._contents.get_all(rxcui))

    def product(self, ndc: str) -> str | None:
        """The RxCUI of the product with an NDC of eleven digits, or None."""
        return self._ndc.get(ndc)

    def ingredient(self, rxcui: str) -> str | None:
        """The name of an ingredient, or None if the RxCUI is not one."""
        return self._ingredients.get(rxcui)

    def concept(self, concept: str) -> Concept | None:
        """The concept of an ingredient that the tables do not have, by its id (``rxcui-12345``), or None."""
        rxcui = concept.removeprefix(CONCEPT_PREFIX)
        name = self.ingredient(rxcui) if rxcui != concept else None
        return Concept(concept, name, "drug", (), (("rxcui", rxcui),)) if name is not None else None


def read_vocabulary(path: Path | str) -> Vocabulary:
    """The vocabulary in a file that ``cramprisk vocab import`` made.

    Raises:
        VocabularyError: It is not there, cannot be read, is another file, or is not whole.
    """
    where = Path(path)
    try:
        return Vocabulary(mapped(where))
    except OSError as error:
        raise VocabularyError(f"{where.name}: cannot be read ({error.strerror}).") from None
    except VocabularyError as error:
        raise VocabularyError(f"{where.name}: {error}") from None
