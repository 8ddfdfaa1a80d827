"""Cells that no spreadsheet runs."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from socialtriage.domain.csvsafe import neutralise, restore
from tests.doubles import unhurried  # noqa: F401 - sets the profile

cells = st.text() | st.text(st.sampled_from("=+-@'\" \t\r\n＝a1\u200b\u00a0"), max_size=8)


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1", "+44 1632 960001", "-1", "@SUM(A1)", "\tx", "\rx", "  =cmd|' /C calc'!A0", "＝1+1", "＋1", "－1", "＠x",
        "\u00a0=1", "\u200b=1", "\ufeff@x", "'=1", '"=1', "\x00=1", "−1", "\n=1", "﹢1", "%0A=1", "|cmd",
    ],
)  # fmt: skip
def test_what_could_run_gets_an_apostrophe(cell: str) -> None:
    assert neutralise(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "ABC-7Q4K2M",
        "A resident",
        "2026-11-22T09:30:00.000Z",
        "a=b",
        "5 - 3",
        "'quoted'",
        "’tis",
        "👍 -1",
        "#1",
        "(+)",
    ],
)
def test_ordinary_cells_stay(cell: str) -> None:
    assert neutralise(cell) == cell


@given(cells)
@example("'\r")
def test_the_original_can_be_restored(cell: str) -> None:
    assert restore(neutralise(cell)) == cell


@given(cells)
def test_no_cell_begins_like_a_formula(cell: str) -> None:
    safe = neutralise(cell)
    assert safe.lstrip(" \t\r\n\u00a0\u200b\ufeff")[:1] not in {"=", "+", "-", "@", "＝", "＋", "－", "＠"}
    assert safe[:1] not in {"\t", "\r"}
