"""The list of cases, fed from lists: rows in words, selection by case, pages read when they come into view."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from socialtriage.domain.models import SafeText, Status, Urgency, Visibility
from socialtriage.domain.views import CaseRow
from socialtriage.ui import words
from socialtriage.ui.cells import column, wrap
from socialtriage.ui.themes import complete
from socialtriage.ui.widgets.case_list import CaseList
from socialtriage.ui.widgets.list_model import PAGE, ListModel
from socialtriage.ui.widgets.row_layout import Look, layout_for, row_cells
from tests.doubles.ui_pilot import screen_text, unfit
from tests.doubles.ui_rows import LONDON, NOW, Rows, a_row


class Host(App[None]):
    """An app that is nothing but a list."""

    def __init__(self, source: Rows, clock: Callable[[], datetime] = lambda: NOW) -> None:
        super().__init__()
        self.source, self.clock = source, clock
        self.moves: list[int | None] = []
        self.opened = 0

    def get_css_variables(self) -> dict[str, str]:
        return complete(super().get_css_variables())

    def compose(self) -> ComposeResult:
        yield CaseList(self.clock, LONDON)

    def on_mount(self) -> None:
        self.list.show(self.source)
        self.list.focus()

    @property
    def list(self) -> CaseList:
        return self.query_one(CaseList)

    def on_case_list_moved(self, message: CaseList.Moved) -> None:
        self.moves.append(message.case_id)

    def on_case_list_opened(self) -> None:
        self.opened += 1


def story(source: Rows, tell: Callable[[Pilot[None], Host], Awaitable[None]], size: tuple[int, int] = (80, 12)) -> None:
    async def run() -> None:
        app = Host(source)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await tell(pilot, app)

    asyncio.run(run())


def unread(ids: Sequence[int]) -> list[CaseRow]:
    raise AssertionError(f"{ids} are on the screen, so they were read already")


def body(app: App[Any]) -> str:
    """The screen without the scroll bar."""
    return "\n".join(line[:78].rstrip() for line in screen_text(app).splitlines())


def rows(count: int, first: int = 1) -> Rows:
    return Rows([a_row(number, name=SafeText(f"Person {number}")) for number in range(first, first + count)])


# --- a row in words ---------------------------------------------------------------------------------------------


def text_of(row: Any, width: int, lines: int = 1) -> str:
    layout = layout_for(width, lines)
    parts = [row_cells(row, layout, line, Look(), NOW, LONDON) for line in range(layout.lines)]
    return "\n".join("".join(text for text, _ in cells).rstrip() for cells in parts)


def test_a_row_says_everything_in_words() -> None:
    row = a_row(
        urgency=Urgency.EMERGENCY,
        visibility=Visibility.PRIVATE,
        due_at=NOW - timedelta(hours=3),
        area="waste",
        topic="missed-bin",
        repeat_count=3,
        media=2,
        owner="JS",
        messages=4,
    )
    assert " ".join(text_of(row, 180).split()) == (
        "EMERGENCY late 3h mastodon PRIVATE Sam Lee (4) My bin was not collected again, third week running "
        "waste/missed-bin 3rd contact JS media"
    )


def test_two_lines_a_case_keep_full_words_where_there_is_room_for_them() -> None:
    wide = text_of(a_row(visibility=Visibility.PRIVATE, area="waste", repeat_count=3), 78, 2)
    assert "PRIVATE" in wide
    assert "My bin was not collected again" in wide
    assert "PRIV " in text_of(a_row(visibility=Visibility.PRIVATE), 48, 2)


def test_a_suggestion_carries_a_question_mark() -> None:
    text = text_of(a_row(suggested_area="waste", suggested_urgency=Urgency.URGENT), 120)
    assert "waste?" in text
    assert "urgent?" in text


def test_a_new_case_says_so() -> None:
    assert text_of(a_row(status=Status.NEW), 120).endswith("new")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"due_at": NOW + timedelta(minutes=80)}, "due 1h20"),
        ({"due_at": NOW + timedelta(minutes=45)}, "due 45m"),
        ({"due_at": NOW + timedelta(hours=14)}, "due 14h"),
        ({"due_at": NOW + timedelta(days=2)}, "due Wed"),
        ({"due_at": NOW + timedelta(days=17)}, "due 3 Dec"),
        ({"due_at": NOW - timedelta(minutes=5)}, "late 5m"),
        ({"due_at": NOW - timedelta(days=3)}, "late 3d"),
        ({"due_at": None}, ""),
        ({"status": Status.CLOSED}, "closed"),
        ({"status": Status.SNOOZED, "snoozed_until": NOW + timedelta(days=1)}, "back Tue"),
        ({"status": Status.SNOOZED, "snoozed_until": NOW + timedelta(hours=4)}, "back 14:30"),
    ],
)
def test_deadlines_are_said_in_a_few_characters(changes: dict[str, Any], said: str) -> None:
    assert words.due(a_row(**changes), NOW, LONDON)[0] == said


HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "\x1b]0;gone\x07",
        "[/nope]",
        "[@click=app.quit]x[/]",
        "\u202egnp.exe",
        "👨‍👩‍👧‍👦 " * 9,
        "e" + "\u0301" * 5000,
        "漢字" * 40,
    ]
)


@settings(deadline=None)
@example("", "", 60, 1)
@given(HOSTILE, HOSTILE, st.integers(40, 220), st.integers(0, 2))
def test_whatever_is_written_a_row_fills_its_width_exactly(name: str, snippet: str, width: int, lines: int) -> None:
    row = a_row(name=name, snippet=snippet, area=snippet[:9] or None, owner=name[:3] or None, status=Status.NEW)
    layout = layout_for(width, lines)
    for line in range(layout.lines):
        cells = row_cells(row, layout, line, Look(), NOW, LONDON)
        assert sum(cell_len(text) for text, _ in cells) == width
        assert not any(ord(character) < 32 or "\x7f" <= character < "\xa0" for text, _ in cells for character in text)


@given(st.text(max_size=80), st.integers(0, 40))
def test_a_column_is_as_wide_as_it_was_asked_to_be(text: str, width: int) -> None:
    assert cell_len(column(text, width)) == width


@given(st.text(alphabet="ab \n漢é", max_size=200), st.integers(2, 30))
def test_wrapped_lines_fit_and_lose_no_word(text: str, width: int) -> None:
    lines = list(wrap(text, width))
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_one_endless_word_is_wrapped_in_time() -> None:
    assert len(list(wrap("漢" * 100_000, 40))) == 5_000


# --- what the list remembers ------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 60), unique=True, min_size=1), st.data())
def test_the_selected_case_stays_or_the_next_one_that_is_left_takes_its_place(ids: list[int], data: Any) -> None:
    def source_of(cases: list[int]) -> Rows:
        return Rows([a_row(case) for case in cases])

    model = ListModel()
    model.reset(source_of(ids))
    model.cursor = data.draw(st.integers(0, len(ids) - 1))
    selected, rest = ids[model.cursor], ids[model.cursor + 1 :]
    after = data.draw(st.lists(st.sampled_from(range(1, 80)), unique=True))
    model.replace(source_of(after))
    left = [case for case in rest if case in after]
    if selected in after:
        assert model.selected == selected
    elif left:
        assert model.selected == left[0]
    elif after:
        assert model.selected is not None
    else:
        assert model.selected is None


@given(st.integers(0, 2000), st.integers(0, 2100))
def test_a_row_is_the_one_that_a_slice_of_the_whole_list_has(count: int, position: int) -> None:
    model = ListModel()
    model.reset(rows(count))
    found = model.row(position)
    assert (found.id if found else None) == (position + 1 if position < count else None)


def test_marks_of_cases_that_left_are_forgotten() -> None:
    model = ListModel()
    model.reset(rows(5))
    model.marks = {2, 4}
    model.replace(rows(2))
    assert model.marked() == {2}


# --- on the screen ----------------------------------------------------------------------------------------------


def test_keys_move_and_only_pages_in_view_are_read() -> None:
    source = rows(5_000)

    async def tell(pilot: Pilot[None], app: Host) -> None:
        await pilot.press("j", "j", "k")
        assert app.list.model.selected == 2
        await pilot.press("G")
        assert app.list.model.selected == 5_000
        assert "Person 5000" in screen_text(app)
        await pilot.press("g")
        assert app.list.model.selected == 1
        await pilot.press("ctrl+d")
        assert app.list.model.selected == 1 + 12 // 2 // 2
        await pilot.press("pagedown", "ctrl+u", "pageup")
        assert app.list.model.selected == 1
        assert {start for start, _ in source.reads} == {0, 5_000 // PAGE * PAGE}

    story(source, tell)


def test_a_thousand_arrivals_on_top_move_nothing_on_the_screen() -> None:
    async def tell(pilot: Pilot[None], app: Host) -> None:
        await pilot.press("pagedown", "pagedown", "j")
        selected, before = app.list.model.selected, body(app)
        for step in range(10):
            arrived = app.list.renew(rows(300 + 100 * (step + 1), first=1 - 100 * (step + 1)))
            await pilot.pause()
            assert arrived == 100
            assert app.list.model.selected == selected
            assert body(app) == before

    story(rows(300), tell)


def test_a_case_that_became_less_pressing_is_no_sign_of_new_ones() -> None:
    async def tell(pilot: Pilot[None], app: Host) -> None:
        await pilot.press("j")
        first, second, *others = rows(30).rows
        assert app.list.renew(Rows([first, *others, second])) == 0
        assert app.list.model.selected == 2

    story(rows(30), tell)


def test_arrivals_do_not_move_a_list_that_was_scrolled_away_from_its_selection() -> None:
    async def tell(pilot: Pilot[None], app: Host) -> None:
        app.list.scroll_to(y=100, animate=False, force=True)
        await pilot.pause()
        before = body(app)
        app.list.renew(rows(340, first=-39))
        await pilot.pause()
        assert app.list.model.selected == 1
        assert body(app) == before

    story(rows(300), tell)


def test_the_first_case_of_an_empty_list_is_selected_when_it_arrives() -> None:
    async def tell(pilot: Pilot[None], app: Host) -> None:
        assert app.moves[-1] is None
        assert "No cases here." in body(app)
        app.list.renew(rows(3))
        await pilot.pause()
        assert "No cases here." not in body(app)
        assert app.list.model.selected == 1
        assert app.moves[-1] == 1

    story(Rows([]), tell)


def test_a_case_that_went_between_snapshot_and_reading_leaves_a_blank_line() -> None:
    source = rows(3)
    del source.rows[1]

    async def tell(pilot: Pilot[None], app: Host) -> None:
        await pilot.press("j")
        assert app.list.selected_row is None
        assert app.list.targets(lambda ids: []) == []

    story(source, tell)


def test_marking_and_ranges_choose_what_an_action_applies_to() -> None:
    async def tell(pilot: Pilot[None], app: Host) -> None:
        assert [row.id for row in app.list.targets(unread)] == [1]
        await pilot.press("space", "space", "j", "v", "j", "j")
        assert [row.id for row in app.list.targets(unread)] == [1, 2, 4, 5, 6]
        assert screen_text(app).count("*") == 5
        await pilot.press("v", "g")
        assert [row.id for row in app.list.targets(unread)] == [1, 2, 4, 5, 6]
        assert app.list.clear_marks()
        assert [row.id for row in app.list.targets(unread)] == [1]

    story(rows(9), tell, size=(110, 12))


def test_the_mouse_selects_marks_and_opens() -> None:
    async def tell(pilot: Pilot[None], app: Host) -> None:
        await pilot.click(CaseList, offset=(20, 4))
        assert app.list.model.selected == 3
        await pilot.click(CaseList, offset=(20, 6), control=True)
        assert app.list.model.marked() == {4}
        await pilot.double_click(CaseList, offset=(20, 2))
        assert app.opened == 1

    story(rows(9), tell)


def test_the_selection_is_seen_without_colour_too() -> None:
    async def tell(pilot: Pilot[None], app: Host) -> None:
        await pilot.press("j")
        lines = screen_text(app).splitlines()
        assert [index for index, line in enumerate(lines) if line.startswith("▌")] == [2, 3]

    story(rows(9), tell)


def test_deadlines_go_on_by_themselves() -> None:
    now = [NOW]

    async def run() -> None:
        app = Host(rows(1), lambda: now[0])
        async with app.run_test(size=(80, 8)) as pilot:
            await pilot.pause()
            assert "due 1h20" in screen_text(app)
            now[0] += timedelta(minutes=1)
            app.list.tick()
            await pilot.pause()
            assert "due 1h19" in screen_text(app)

    asyncio.run(run())


def test_hostile_rows_put_nothing_on_the_screen_that_steers_a_terminal() -> None:
    hostile = "\x1b]52;c;ZXZpbA==\x07[/nope][@click=app.quit]x[/]\u202e\udc80\x9b31m" + "é\u0301" * 5_000
    source = Rows([a_row(1, name=hostile, handle=hostile, snippet=hostile, area=hostile, owner=hostile)])

    async def tell(pilot: Pilot[None], app: Host) -> None:
        assert unfit(app) == []
        await pilot.resize_terminal(160, 10)
        await pilot.pause()
        assert unfit(app) == []
        assert "[/nope]" in screen_text(app)

    story(source, tell)


def test_an_id_array_of_a_million_is_searched_near_where_the_case_was() -> None:
    model = ListModel()
    source = Rows([])
    source.ids = array("q", range(1_000_000))
    model.reset(source)
    model.cursor = 700_000
    other = Rows([])
    other.ids = array("q", range(-10, 1_000_000))
    model.replace(other)
    assert model.selected == 700_000
