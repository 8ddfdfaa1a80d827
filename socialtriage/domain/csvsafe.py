"""Cells of a CSV that a spreadsheet shows as text and never runs as a formula."""

from __future__ import annotations

import unicodedata

_TRIGGERS = frozenset("=+-@\t\r\n|%")
_GUARD = "'"


def neutralise(cell: str) -> str:
    """`cell` with an apostrophe in front where a spreadsheet might take it for a formula, otherwise as it is.

    Dangerous are cells that begin with `= + - @`, a tab or a line end, also behind blanks, invisible characters or
    quotes, and in their full-width forms, which some spreadsheets convert. (`|` and `%` start old command links.)
    A cell that begins with apostrophes before such a start gets one more; so `restore` finds the exact original.
    Quoting for CSV is the writer's task.
    """
    return _GUARD + cell if _is_formula(cell) else cell


def restore(cell: str) -> str:
    """What `neutralise` made `cell` of."""
    return cell[1:] if cell.startswith(_GUARD) and _is_formula(cell[1:]) else cell


def _is_formula(cell: str) -> bool:
    """Whether the first character that counts starts a formula."""
    if cell.lstrip(_GUARD)[:1] in ("\t", "\r", "\n"):
        return True
    for char in cell:
        if char in "'\"" or char.isspace() or unicodedata.category(char) in ("Cc", "Cf", "Mn"):
            continue
        return unicodedata.normalize("NFKC", char)[:1] in _TRIGGERS or char in "−－＋＝＠"
    return False
