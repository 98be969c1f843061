"""From written text to tokens. Every step is a pure function; nothing here knows a medicine.

Folding makes spellings comparable: compatibility forms, case, accents, typographic quotes and dashes are levelled.
Spans are kept against the text as given, so that a report can show the words as they were written.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["Token", "condition_token", "fold", "name_tokens", "split_list", "tokenise"]


class Token(NamedTuple):
    """A word or number of an entry.

    Attributes:
        text: Folded text, apostrophes and abbreviation dots removed (``parkinsons``, ``po``).
        start: Index of its first character in the text as given.
        end: Index after its last character.
        gap: What stands between the previous token and this one, folded (``" "``, ``"/"``, ``", "``).
    """

    text: str
    start: int
    end: int
    gap: str


# Letters that Unicode does not decompose, and signs that people type for others.
_LEVELLED = str.maketrans(
    {
        "ß": "ss",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "æ": "ae",
        "œ": "oe",
        "ı": "i",
        "µ": "u",
        "μ": "u",
        "×": "x",
        "’": "'",
        "‘": "'",
        "`": "'",
        "´": "'",
        "ʼ": "'",
        "–": "-",
        "—": "-",
        "‐": "-",
        "‑": "-",
        "−": "-",
        "®": " ",
        "™": " ",
        "©": " ",
        "\u00ad": "",
        "\u200b": "",
        "\ufeff": "",
    }
)

# A number (also 1,000 and 2.5); a dotted abbreviation (p.o., m.v.i.); a slashed one (d/c, h/o, w/o, c/o, s/p), a word.
# Digits may follow letters inside a word (b12, d5w, asp2215); an apostrophe may stand between letters.
_TOKEN = re.compile(
    r"\d+(?:[.,]\d+)*"
    r"|(?<![^\W_])(?:[^\W\d_]\.){2,}(?:[^\W\d_](?![^\W_]))?"
    r"|(?<![^\W_])[a-z]/[a-z](?:'?d)?(?![^\W_]|/)"
    r"|[^\W\d_](?:[^\W_]|'(?=[^\W\d_]))*"
)
# The marks that make ba and pa of ha in Japanese are no accents.
_VOICED = "\u3099\u309a"
_NOT_IN_TOKEN = str.maketrans("", "", "'.")


def _fold_char(char: str) -> str:
    folded = unicodedata.normalize("NFKC", char).casefold().translate(_LEVELLED)
    bare = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c) or c in _VOICED)
    return unicodedata.normalize("NFC", bare)


def fold(text: str) -> str:
    """The text in lower case, without accents and compatibility forms.

    Folding twice gives the same as folding once.

    Examples:
        >>> fold("FUROSÉMIDE 40 µg")
        'furosemide 40 ug'
        >>> fold("Ménière’s")
        "meniere's"
    """
    if text.isascii():
        return text.lower().replace("`", "'")
    return "".join(map(_fold_char, text))


def _fold_with_origin(text: str) -> tuple[str, Sequence[int]]:
    """The folded text, and for each of its characters the index in `text` it came from."""
    if text.isascii():
        return fold(text), range(len(text))
    folded: list[str] = []
    origin: list[int] = []
    for index, char in enumerate(text):
        for piece in _fold_char(char):
            folded.append(piece)
            origin.append(index)
    return "".join(folded), origin


def tokenise(text: str) -> list[Token]:
    """The words and numbers of a text, with their places in it.

    Examples:
        >>> [token.text for token in tokenise("HCTZ 12.5mg p.o. q.d. (Parkinson's)")]
        ['hctz', '12.5', 'mg', 'po', 'qd', 'parkinsons']
    """
    folded, origin = _fold_with_origin(text)
    dotted = "'" in folded or "." in folded
    tokens = []
    last = 0
    for found in _TOKEN.finditer(folded):
        start, end = found.span()
        word = found[0]
        if dotted and word[0].isalpha():
            word = word.translate(_NOT_IN_TOKEN)
        tokens.append(Token(word, origin[start], origin[end - 1] + 1, folded[last:start]))
        last = end
    return tokens


def name_tokens(name: str) -> list[str]:
    """The token texts of a name of the tables; the same rules as for an entry, without places.

    Examples:
        >>> name_tokens("Toprol-XL")
        ['toprol', 'xl']
    """
    folded = fold(name)
    words = _TOKEN.findall(folded)
    if "'" in folded or "." in folded:
        return [word.translate(_NOT_IN_TOKEN) if word[0].isalpha() else word for word in words]
    return words


_PLURAL_KEEPS = ("ss", "us", "is", "as", "os")


def condition_token(word: str) -> str:
    """A word of a condition with British and American spelling, and singular and plural, made one.

    The result is a key, not a word to show: ``diabetes`` becomes ``diabete`` on both sides.

    Examples:
        >>> condition_token("hyperkalaemia"), condition_token("hyperkalemia")
        ('hyperkalemia', 'hyperkalemia')
        >>> condition_token("kidneys"), condition_token("oedema"), condition_token("tumour")
        ('kidney', 'edema', 'tumor')
    """
    if len(word) < 4:
        return word
    if "ae" in word or "oe" in word:
        word = word.replace("ae", "e").replace("oe", "e")
    if word.endswith(("our", "ours")):
        word = word.replace("our", "or")
    if word[-1] == "s" and len(word) > 3 and not word.endswith(_PLURAL_KEEPS):
        word = word[:-3] + "y" if word.endswith("ies") and len(word) > 5 else word[:-1]
    return word


_BULLET = re.compile(r"^\s*(?:[-*•·‣–—]+|\(?\d{1,3}[.)](?=\s)|\[[ xX]?\])\s*")
_HARD_BREAK = re.compile(r"[;\n\r\t\v\f\x1c-\x1e\x85\u2028\u2029|]+")


def split_lines(text: str) -> Iterator[tuple[str, int]]:
    """The pieces of a text between line ends, semicolons, tabs and bars, without bullets, and where each begins."""
    position = 0
    for piece in _HARD_BREAK.split(text):
        start = text.find(piece, position)
        position = start + len(piece)
        bullet = _BULLET.match(piece)
        body = piece[bullet.end() :] if bullet else piece
        stripped = body.strip()
        if stripped:
            yield stripped, start + (bullet.end() if bullet else 0) + (len(body) - len(body.lstrip()))


def split_list(text: str, may_split: Sequence[tuple[int, int]] = ()) -> list[str]:
    """The entries of a list typed on one line or on several.

    Line ends, semicolons, tabs and bars always separate. Commas separate except inside a span of `may_split` — the
    places of known names, given by the matcher, so that ``Estrogens, conjugated`` stays whole — and except
    between digits (``50,000``) and before a piece without any letter.

    Args:
        text: What was typed or pasted.
        may_split: Spans (start, end) in `text` that must stay whole.

    Examples:
        >>> split_list("hctz, lipitor 20; salbutamol")
        ['hctz', 'lipitor 20', 'salbutamol']
        >>> split_list("Estrogens, conjugated, Lasix", may_split=[(0, 21)])
        ['Estrogens, conjugated', 'Lasix']
    """
    entries: list[str] = []
    # Spans may overlap; merged and sorted, the one before a comma is the only one that can hold it.
    spans: list[tuple[int, int]] = []
    for low, high in sorted(may_split):
        if spans and low < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(high, spans[-1][1]))
        else:
            spans.append((low, high))
    for line, offset in split_lines(text):
        start = 0
        for found in re.finditer(r",(?!\d)", line):
            at = found.start() + offset
            before = bisect_left(spans, (at,)) - 1
            if before >= 0 and at < spans[before][1]:
                continue
            entries.append(line[start : found.start()].strip())
            start = found.end()
        entries.append(line[start:].strip())
    return [entry for entry in entries if entry]
