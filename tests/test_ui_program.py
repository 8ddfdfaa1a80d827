"""Help, command line, palette, keymaps, themes, first run, and what is said when something breaks."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import pytest
from textual.app import App
from textual.color import Color
from textual.command import CommandPalette
from textual.css.stylesheet import Stylesheet
from textual.widgets import Input

from socialtriage.domain.errors import UsageError
from socialtriage.domain.models import Status, Urgency, Visibility
from socialtriage.domain.views import Query
from socialtriage.services import inbox, triage
from socialtriage.services.desk import Desk
from socialtriage.ui import themes
from socialtriage.ui.actions import Where, actions_for, table
from socialtriage.ui.commandline import Vocabulary, complete, parse
from socialtriage.ui.flow import lay_out
from socialtriage.ui.handlers import handler
from socialtriage.ui.inks import Inks
from socialtriage.ui.keymaps import keymap
from socialtriage.ui.screens.ask import Write
from socialtriage.ui.screens.case import CaseScreen
from socialtriage.ui.screens.choices import Choice, LetterDialog
from socialtriage.ui.screens.command import CommandScreen
from socialtriage.ui.screens.handoff import HandoffScreen
from socialtriage.ui.screens.help import HelpScreen, help_text
from socialtriage.ui.screens.picker import Picker, ranked
from socialtriage.ui.welcome import WelcomeApp
from tests.doubles.desk import CONFIG, MONDAY, arrive, message, small_desk
from tests.doubles.ui_desk import SMALL, WIDE, Officer, at_the_desk
from tests.doubles.ui_pilot import screen_text, strips, wait_until


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Three residents wrote."""
    return _desk(tmp_path)


def _desk(folder: Path, extra: str = "") -> Desk:
    desk = small_desk(folder, config=CONFIG + extra)
    for number, text in enumerate(("My bin was missed", "A dangerous pothole", "Thank you")):
        at = MONDAY - timedelta(minutes=50 - 10 * number)
        arrive(desk, message(text, f"m{number}", at=at, author=f"Person {number}"))
    return desk


# --- help -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("places", [(Where.INBOX, Where.CASES, Where.CASE_LIST), (Where.REVIEW,), (Where.OUTBOX,)])
def test_help_lists_every_action_those_of_the_screen_first(places: tuple[Where, ...]) -> None:
    lines, _ = lay_out(help_text(places, keymap({})), 200)
    text = "\n".join("".join(part for part, _ in line) for line in lines)
    here, _, elsewhere = text.partition("ON OTHER SCREENS")
    for action in table().values():
        assert action.tooltip in text, action.id
    for action in actions_for(*places):
        assert action.tooltip in here, action.id
    assert "Try again now" in (here if Where.OUTBOX in places else elsewhere)


def test_help_shows_the_keys_as_they_are_mapped_and_can_be_searched(tmp_path: Path) -> None:
    desk = _desk(tmp_path, '\n[keys]\npreset = "gmail"\n"case.handoff" = "F"\n')

    async def story(officer: Officer) -> None:
        await officer.press("?")
        await officer.on(HelpScreen)
        await officer.write("hand off")
        await officer.sees("F", "Hand off to a contact by email")
        assert "Claim" not in officer.text
        await officer.press("escape")
        await officer.home()

    at_the_desk(desk, story)


@pytest.mark.parametrize("size", [WIDE, SMALL])
def test_help_opens_on_every_screen(desk: Desk, size: tuple[int, int]) -> None:
    async def story(officer: Officer) -> None:
        for key in ("enter", "f2", "f3", "f4"):
            await officer.press(key, "?")
            await officer.on(HelpScreen)
            await officer.sees("ON THIS SCREEN")
            await officer.press("pagedown", "escape")
        await officer.press("escape", "escape")
        await officer.home()

    at_the_desk(desk, story, size=size)


def test_every_handler_of_the_table_exists_and_says_what_it_does() -> None:
    for action in table().values():
        if action.handler:
            assert handler(action.handler).__doc__, action.id


# --- the command line -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "action", "argument"),
    [
        (":area waste", "case.area", "waste"),
        (": AREA\twaste", "case.area", "waste"),
        ("view overdue", "view.open", "overdue"),
        ("handoff", "case.handoff", ""),
        ("hand", "case.handoff", ""),
        ("assign  JS ", "case.assign", "JS"),
        ("snooze tomorrow 09:00", "case.snooze", "tomorrow 09:00"),
        ("filter area:waste is:private", "find.filter", "area:waste is:private"),
    ],
)
def test_lines_mean_actions(line: str, action: str, argument: str) -> None:
    found, said = parse(line)
    assert (found.id, said) == (action, argument)


@pytest.mark.parametrize(
    ("line", "said"),
    [("hnadoff", "Did you mean :handoff?"), ("claim JS", ":claim takes nothing"), ("c", "could be"), ("", "could be")],
)
def test_lines_that_mean_nothing_are_refused_with_a_hint(line: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        parse(line)


def test_completion_knows_every_command_and_the_words_of_the_desk(desk: Desk) -> None:
    words = Vocabulary(desk, ["nord"])
    assert {each.line.strip() for each in complete("", words)} == {
        action.command for action in table().values() if action.command
    }
    assert [each.line for each in complete("area was", words)][:2] == ["area waste", "area waste/missed-bin"]
    assert complete("filter is:private area:ro", words)[0].line == "filter is:private area:roads"
    assert complete("view over", words)[0].line == "view overdue"
    assert complete("handoff was", words)[0].line == "handoff waste-team"
    assert complete("theme n", words)[0].line == "theme nord"
    assert complete("nothing such", words) == []
    desk.close()


def test_the_command_line_completes_with_tab_and_acts(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        case_id = officer.listed[0]
        await officer.press(":")
        await officer.on(CommandScreen)
        await officer.write("urg")
        await officer.press("tab")
        await officer.write("urg")
        await officer.press("tab", "enter")
        await officer.until(lambda: officer.case(case_id).row.urgency is Urgency.URGENT, "urgent")
        await officer.press(":")
        await officer.write("handoff roads-team")
        await officer.press("enter")
        await officer.on(HandoffScreen)
        await officer.sees("roads@anytown.example")
        await officer.press("p", ":")
        await officer.write("nonsense")
        await officer.press("enter")
        await officer.until(lambda: "There is no command :nonsense" in officer.said, "refused")

    at_the_desk(desk, story)


def test_a_line_that_failed_is_brought_back_to_be_mended(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        def line() -> str:
            return officer.app.screen.query_one(Input).value

        case_id = officer.listed[0]
        for typed in ("note she rang", "area waist", "   ", ":", "\x00$(rm) 🙈"):
            await officer.press(":")
            await officer.on(CommandScreen)
            await officer.write(typed)
            await officer.press("enter")
            await officer.home()
        assert "There is no command :" in officer.said
        await officer.press(":", "up")
        assert line() == "$(rm) 🙈"
        await officer.press("up", "up", "up", "up")
        assert line() == "note she rang", "the oldest stays"
        await officer.press("down")
        assert line() == "area waist"
        await officer.press("backspace", "backspace", "backspace", "s", "t", "e", "enter")
        await officer.until(lambda: officer.case(case_id).row.area == "waste", "mended")
        # What was begun chooses among them; with no such line the arrows go through the completions, as ever.
        await officer.press(":", "n", "up")
        assert line() == "note she rang"
        await officer.press("down")
        assert line() == "n"
        await officer.press("down", "tab")
        assert line() not in ("n", "note she rang")
        await officer.press("escape")

    at_the_desk(desk, story, size=SMALL)


def test_lines_with_arguments_ask_nothing(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        first, second, third = officer.listed
        for line in ("area waste/new-bin", "kind complaint", "assign AB", "note she rang", "snooze 2d"):
            await officer.press(":")
            await officer.write(line)
            await officer.press("enter")
            await officer.home()
        await officer.until(lambda: officer.case(first).row.status is Status.SNOOZED, "snoozed")
        row = officer.case(first).row
        assert (row.area, row.topic, row.kind, row.owner) == ("waste", "new-bin", "complaint", "AB")
        await officer.press(":")
        await officer.write("close answered")
        await officer.press("enter")
        await officer.until(lambda: officer.case(second).row.status is Status.CLOSED, "closed")
        await officer.press(":")
        await officer.write(f"go {officer.case(second).row.ref}")
        await officer.press("enter")
        await officer.on(CaseScreen)
        await officer.press("E")
        await officer.until(lambda: officer.case(second).row.status is Status.OPEN, "reopened")
        assert officer.case(third).row.status is Status.NEW

    at_the_desk(desk, story)


def test_a_case_from_the_phone_is_begun_on_the_command_line(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press(":")
        await officer.write("new Mrs Patel")
        await officer.press("enter")
        await officer.on(LetterDialog)
        await officer.press("p")
        await officer.on(Write)
        await officer.write("The street light outside is out")
        await officer.press("escape")
        await officer.on(CaseScreen)
        await officer.sees("Mrs Patel", "The street light outside is out", "phone")
        await officer.press("escape")
        await officer.until(lambda: len(officer.listed) == 4, "it is in the queue")

    at_the_desk(desk, story)


def test_the_palette_reaches_actions_views_and_areas(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        case_id = officer.listed[0]
        await officer.press("ctrl+p")
        await officer.on(CommandPalette)
        await officer.write("Tag: Roads")
        await officer.sees("Tag: Roads")
        await officer.press("enter")
        await officer.until(lambda: officer.case(case_id).row.area == "roads", "tagged")
        await officer.press("ctrl+p")
        await officer.write("view: closed")
        await officer.sees("View: Closed")
        await officer.press("enter")
        await officer.until(lambda: officer.app.session.showing.view == "closed", "the view")

    at_the_desk(desk, story)


def test_a_picker_ranks_what_begins_so_before_what_holds_it() -> None:
    choices = [
        Choice("roads", "Roads"),
        Choice("waste", "Bins and recycling"),
        Choice("waste/missed-bin", "Bins / missed"),
    ]
    assert [each.value for each in ranked("wa", choices)] == ["waste", "waste/missed-bin"]
    assert [each.value for each in ranked("bi", choices)] == ["waste", "waste/missed-bin"]
    assert [each.value for each in ranked("recy", choices)] == ["waste"]
    assert [each.value for each in ranked("rds", choices)] == ["roads"]
    assert ranked("zzz", choices) == []


def test_a_picker_moves_with_the_arrows_while_letters_narrow(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        case_id = officer.listed[0]
        await officer.press("t")
        await officer.on(Picker)
        await officer.press("b", "i", "down", "enter")
        await officer.until(lambda: officer.case(case_id).row.topic == "missed-bin", "the second of what fits")

    at_the_desk(desk, story)


# --- keys and colours -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("preset", "done", "undo"), [("default", "e", "u"), ("aerc", "a", "u"), ("gmail", "e", "z")])
def test_presets_change_what_keys_do(tmp_path: Path, preset: str, done: str, undo: str) -> None:
    desk = _desk(tmp_path, f'\n[keys]\npreset = "{preset}"\n')

    async def story(officer: Officer) -> None:
        case_id = officer.listed[0]
        await officer.press(done, "a")
        await officer.until(lambda: officer.case(case_id).row.status is Status.CLOSED, "closed")
        await officer.press(undo)
        await officer.until(lambda: officer.case(case_id).row.status is not Status.CLOSED, "undone")

    at_the_desk(desk, story)


def test_a_remapped_key_works_and_the_old_one_does_not(tmp_path: Path) -> None:
    desk = _desk(tmp_path, '\n[keys]\n"case.claim" = "C,f6"\n')

    async def story(officer: Officer) -> None:
        first, second, _ = officer.listed
        await officer.press("a")
        assert officer.case(first).row.owner is None
        await officer.press("C")
        await officer.until(lambda: officer.case(first).row.owner == "JS", "claimed")
        await officer.press("j", "f6")
        await officer.until(lambda: officer.case(second).row.owner == "JS", "claimed by the other key")
        await officer.sees("C claim")

    at_the_desk(desk, story)


def test_keys_that_cannot_be_are_said_at_the_start(tmp_path: Path) -> None:
    desk = _desk(tmp_path, '\n[keys]\n"case.clam" = "C"\n[ui]\ntheme = "beige"\n')

    async def story(officer: Officer) -> None:
        assert 'no action "case.clam" (did you mean case.claim?)' in officer.said
        assert 'no theme "beige"' in officer.said

    at_the_desk(desk, story)


def _contrast(one: Color, other: Color) -> float:
    return (max(_light(one), _light(other)) + 0.05) / (min(_light(one), _light(other)) + 0.05)


def _light(colour: Color) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.03928 else float(((part + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(part) for part in colour.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("theme", "least"),
    [
        ("socialtriage-dark", 4.5),
        ("socialtriage-light", 4.5),
        ("socialtriage-dark-contrast", 7.0),
        ("socialtriage-light-contrast", 7.0),
    ],
)
def test_every_word_on_the_screens_has_contrast(tmp_path: Path, theme: str, least: float) -> None:
    desk = _desk(tmp_path, f'\n[ui]\ntheme = "{theme}"\n')
    arrive(desk, message("gas leak!", "g", author="Gas", visibility=Visibility.PRIVATE, conversation="g"))
    case_id = inbox.snapshot(desk, Query())[0]
    triage.tag(desk, [case_id], urgency=Urgency.EMERGENCY, area="roads")

    def check(officer: Officer, where: str) -> None:
        for strip in strips(officer.app):
            for text, style, _ in strip:
                if not text.strip(" ▌│─╭╮╰╯▁▂▃▄▅▆▇█▔▕▏▎▍▊▉") or style is None or not style.color or not style.bgcolor:
                    continue
                one, other = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
                assert _contrast(one, other) >= least, f"{where}: {text!r} {one.hex} on {other.hex}"

    async def story(officer: Officer) -> None:
        await officer.press("space", "space")
        check(officer, "inbox")
        await officer.press("left")
        check(officer, "inbox, views in focus")
        await officer.press("right", "escape")
        for key, screen in (("enter", "case"), ("f2", "accounts"), ("f3", "outbox"), ("f4", "contacts")):
            await officer.press(key)
            check(officer, screen)
        await officer.press("escape", "escape", "f")
        check(officer, "handoff")
        await officer.press("p", "t")
        check(officer, "picker")
        await officer.press("escape", "colon")
        check(officer, "command line")
        await officer.press("escape", "question_mark")
        check(officer, "help")
        await officer.press("escape", "q")
        check(officer, "question")

    at_the_desk(desk, story)


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light", "nord", "textual-light"])
def test_textuals_own_themes_work(desk: Desk, theme: str) -> None:
    async def story(officer: Officer) -> None:
        await officer.press(":")
        await officer.write(f"theme {theme}")
        await officer.press("enter")
        await officer.until(lambda: officer.app.theme == theme, "the theme")
        await officer.sees("Person 0")
        await officer.press("enter", "escape", "f2", "escape")

    at_the_desk(desk, story)


def test_the_first_frame_reads_the_styles_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting a theme reads and applies every style again; the first theme is there before anything is drawn."""
    again: list[str] = []
    reparse = Stylesheet.reparse

    def counted(self: Stylesheet) -> None:
        again.append("read")
        reparse(self)

    monkeypatch.setattr(Stylesheet, "reparse", counted)

    async def story(officer: Officer) -> None:
        await officer.sees("Person 0")
        assert not again
        assert officer.app.has_class("-dark-mode", f"-theme-{themes.DEFAULT}")
        await officer.press(":")
        await officer.write("theme textual-dark")
        await officer.press("enter")
        await officer.until(lambda: bool(again), "the other theme")
        snippet = Inks(officer.app.screen, {"row": "$ink on $background", "snippet": "$ink-dim"}).style(
            "row", "snippet"
        )
        assert str(snippet) == "#acacac on #121212"  # `auto 60%` of that theme, made solid

    at_the_desk(desk, story)


def test_without_colour_the_screen_says_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shown: list[str] = []

    async def story(officer: Officer) -> None:
        await officer.press("j", "space")
        shown.append("\n".join(line for line in officer.text.splitlines() if "ABC-" not in line))

    at_the_desk(desk, story)
    monkeypatch.setenv("NO_COLOR", "1")
    at_the_desk(_desk(tmp_path_factory.mktemp("second")), story)
    assert shown[0] == shown[1]


def test_in_textuals_themes_the_row_of_the_cursor_and_the_dim_words_can_be_read(tmp_path: Path) -> None:
    """Light themes had white words on white; Rose Pine Dawn had its cursor in the colour of its ink."""
    desk = _desk(tmp_path)
    arrive(desk, *(message(f"Bin {n}", f"b{n}", author=f"R{n}") for n in range(2)))

    async def story(officer: Officer) -> None:
        for name in ("textual-dark", "textual-light", "rose-pine-dawn", "solarized-light", "gruvbox"):
            officer.app.theme = name
            await officer.settle()
            background = Color.parse(officer.app.theme_variables["background"])
            cursor = Color.parse(themes.complete(officer.app.theme_variables)["cursor-bg"])
            for text, style, _ in (each for strip in strips(officer.app) for each in strip):
                if text.strip(" ▌│─╭╮╰╯▁▂▃▄▅▆▇█▔▕▏▎▍▊▉") and style and style.color and style.bgcolor:
                    one, other = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
                    least = 3 if other in (background, cursor) else 1.5
                    assert _contrast(one, other) >= least, f"{name}: {text!r} {one.hex} on {other.hex}"

    at_the_desk(desk, story)


def test_all_our_themes_know_all_our_colours() -> None:
    for theme in themes.themes():
        assert set(themes.STANDARD) <= set(theme.variables), theme.name


# --- first run and faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "choice"),
    [(["enter"], "demo"), (["down", "enter"], "init"), (["i"], "init"), (["q"], None), (["escape"], None)],
)
def test_the_first_run_offers_the_practice_desk_or_a_configuration(keys: list[str], choice: str | None) -> None:
    async def run() -> None:
        app = WelcomeApp(Path("/nowhere/[/nope]/config.toml"))
        async with app.run_test(size=SMALL) as pilot:
            await wait_until(pilot, lambda: "practice week" in screen_text(app))
            assert "[/nope]" in screen_text(app)
            await pilot.press(*keys)
        assert app.return_value == choice

    asyncio.run(run())


def test_a_fault_of_ours_is_a_sentence_and_the_trace_is_in_the_log(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise KeyError("[@click=app.quit]secret detail[/]")

    monkeypatch.setattr(triage, "claim", broken)

    async def story(officer: Officer) -> None:
        with caplog.at_level(logging.ERROR):
            await officer.press("a")
            await officer.until(lambda: "fault in socialtriage (KeyError)" in officer.said, "said")
        assert "secret detail" not in officer.text
        assert any(record.exc_info for record in caplog.records)
        await officer.press("j")
        assert officer.selected == officer.listed[1]

    at_the_desk(desk, story)


def test_a_store_that_cannot_be_read_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from socialtriage.domain.errors import StoreError

    def damaged(*args: object) -> None:
        raise StoreError("The store is damaged.", hint="Restore a backup.")

    async def story(officer: Officer) -> None:
        monkeypatch.setattr(inbox, "rows", damaged)
        officer.app.renew()
        await officer.until(lambda: "The store is damaged. Restore a backup." in officer.said, "said")

    at_the_desk(desk, story)


def test_the_first_frame_needs_neither_network_nor_keyring_nor_editor() -> None:
    import subprocess
    import sys

    heavy = [
        "httpx",
        "keyring",
        "sqlite_utils",
        "authlib",
        "imapclient",
        "holidays",
        "stamina",
        "tomlkit",
        "email.mime",
    ]
    heavy += ["smtplib", "textual.widgets._text_area", "textual.widgets._markdown", "textual.widgets._data_table"]
    code = f"import sys, socialtriage.ui.app\nprint(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_app_is_an_app_of_textual() -> None:
    from socialtriage.ui.app import TriageApp

    assert issubclass(TriageApp, App)
