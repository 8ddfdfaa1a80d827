"""Looking and going: views, panes, screens, the case beside, copying, the original in the browser."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from socialtriage.domain.errors import Refused, UsageError
from socialtriage.domain.models import Voice
from socialtriage.services import inbox
from socialtriage.ui.handlers import Call
from socialtriage.ui.handlers.pages import open_page
from socialtriage.ui.session import Showing

BROWSABLE = ("http", "https")
"""What may be given to the browser; anything else could start a program."""


# --- views and panes --------------------------------------------------------------------------------------------


async def numbered_view(call: Call) -> None:
    """View 1 to 9."""
    _show(call, inbox.VIEWS[int(call.action.id.rpartition(".")[2]) - 1].id)


async def named_view(call: Call) -> None:
    """A view by its name or the beginning of one."""
    from socialtriage.ui.screens.choices import Choice
    from socialtriage.ui.screens.picker import Picker, ranked

    choices = [Choice(view.id, view.name) for view in inbox.ALL_VIEWS]
    if not call.argument:
        chosen = await call.ask(Picker("View", choices))
        if chosen:
            _show(call, chosen)
        return
    found = ranked(call.argument, choices)
    if not found:
        known = ", ".join(view.id for view in inbox.ALL_VIEWS)
        raise UsageError(f"There is no view {call.argument!r}.", hint=f"There are: {known}.")
    _show(call, found[0].value)


async def next_view(call: Call) -> None:
    """The next view, and after the last the first."""
    _step(call, 1)


async def previous_view(call: Call) -> None:
    """The view before."""
    _step(call, -1)


def _step(call: Call, step: int) -> None:
    ids = [view.id for view in inbox.VIEWS]
    here = ids.index(call.app.session.showing.view) if call.app.session.showing.view in ids else 0
    _show(call, ids[(here + step) % len(ids)])


def _show(call: Call, view: str) -> None:
    call.app.home.show(Showing(view=view))


async def toggle_sidebar(call: Call) -> None:
    """Show or hide the views, areas and accounts."""
    call.app.home.toggle_views()


async def toggle_lines(call: Call) -> None:
    """By the width, one line, two lines."""
    cases = call.app.home.cases
    cases.set_lines((cases.lines_per_case + 1) % 3)
    call.app.say(("Lines a case: by the width.", "One line a case.", "Two lines a case.")[cases.lines_per_case])


async def pane_right(call: Call) -> None:
    """Focus the pane to the right."""
    call.app.home.move_pane(1)


async def pane_left(call: Call) -> None:
    """Focus the pane to the left."""
    call.app.home.move_pane(-1)


# --- cases ------------------------------------------------------------------------------------------------------


async def open_case(call: Call) -> None:
    """Open the selected case on a screen of its own; that changes nothing."""
    row = call.app.home.cases.selected_row
    if row is not None:
        await show_case(call, row.id)
    else:
        call.app.say("No case is selected.", "$warn")


async def show_case(call: Call, case_id: int) -> None:
    """Show a case on the case screen, the one that is open or a new one."""
    from socialtriage.ui.screens.case import CaseScreen

    if isinstance(call.app.screen, CaseScreen):
        call.app.screen.show(case_id)
    else:
        await call.app.push_screen(CaseScreen(call.app, case_id))


async def next_case(call: Call) -> None:
    """The next case of the list."""
    await _case_at(call, "down")


async def previous_case(call: Call) -> None:
    """The case before."""
    await _case_at(call, "up")


async def _case_at(call: Call, step: str) -> None:
    cases = call.app.home.cases
    before = cases.model.selected
    cases.action_move(step)
    if cases.model.selected is not None and cases.model.selected != before:
        await show_case(call, cases.model.selected)
    else:
        call.app.say("There is no other case in the list that way.")


async def why(call: Call) -> None:
    """Explain deadline and urgency."""
    rows = call.rows()
    if rows:
        from socialtriage.ui.screens.dialogs import Message

        lines = await asyncio.to_thread(inbox.why, call.desk, rows[0].id)
        await call.ask(Message(f"Why: {rows[0].ref}", lines))


async def copy_reference(call: Call) -> None:
    """Put the references into the clipboard."""
    rows = call.rows()
    if rows:
        text = " ".join(row.ref for row in rows)
        call.app.copy_to_clipboard(text)
        call.app.say(f"Copied {text}.")


async def copy_link(call: Call) -> None:
    """Put the link of the original into the clipboard."""
    link = await _link(call)
    if link:
        call.app.copy_to_clipboard(link)
        call.app.say(f"Copied {link}")


async def browse(call: Call) -> None:
    """Open the original in the browser, after its address was shown."""
    link = await _link(call)
    if not link:
        return
    from socialtriage.ui.screens.dialogs import Confirm

    if await call.ask(Confirm("Open in the browser?", [link], yes="Open", no="Stay")):
        import webbrowser

        opened = await asyncio.to_thread(webbrowser.open, link)
        call.app.say(f"Opened {link}" if opened else "No browser could be started here; Y copies the link.")


async def _link(call: Call) -> str | None:
    """The address of the resident's latest message that has one. Raises `Refused` for anything but a web address."""
    rows = call.rows()
    if not rows:
        return None
    detail = await call.whole(rows[0].id)
    found = [each.url for each in detail.messages if each.url and each.voice is Voice.RESIDENT]
    if not found:
        raise Refused(f"{rows[0].ref} has no link: it was written in private, or by email.")
    link = found[-1]
    if not _is_web_address(link):
        raise Refused("The link of this message is no web address, so it is not opened.")
    return link


def _is_web_address(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in BROWSABLE and bool(parts.hostname) and link.isprintable() and " " not in link


# --- screens ----------------------------------------------------------------------------------------------------


async def accounts(call: Call) -> None:
    """The accounts."""
    from socialtriage.ui.screens.accounts import AccountsScreen

    await open_page(call, AccountsScreen)


async def outbox(call: Call) -> None:
    """The outbox."""
    from socialtriage.ui.screens.outbox import OutboxScreen

    await open_page(call, OutboxScreen)


async def contacts(call: Call) -> None:
    """The contact network."""
    from socialtriage.ui.screens.contacts import ContactsScreen

    await open_page(call, ContactsScreen)


async def poll(call: Call) -> None:
    """Poll every account now."""
    if call.app.background.poll_now():
        call.app.say("Polling every account.")
    else:
        call.app.say("Nothing is polled from here; another program does it, or none.", "$warn")


async def show_help(call: Call) -> None:
    """The keys of this screen."""
    from socialtriage.ui.screens.help import HelpScreen

    await call.ask(HelpScreen(call.screen.PLACES, call.app.keymap))


async def command_line(call: Call) -> None:
    """The `:` line."""
    from socialtriage.ui.commandline import parse
    from socialtriage.ui.screens.command import CommandScreen

    session = call.app.session
    line = await call.ask(CommandScreen(call.desk, list(call.app.available_themes), session.lines))
    if line and line.strip().strip(":").strip():
        session.typed(line.strip())
        action, argument = parse(line)
        call.app.perform(action.id, argument)


async def theme(call: Call) -> None:
    """Choose the colours."""
    from socialtriage.ui.screens.choices import Choice
    from socialtriage.ui.screens.picker import Picker

    names = sorted(call.app.available_themes, key=lambda name: (not name.startswith("socialtriage"), name))
    chosen = call.argument or await call.ask(Picker("Theme", [Choice(each, each) for each in names]))
    if not chosen:
        return
    if chosen not in names:
        raise UsageError(f"There is no theme {chosen!r}.", hint=f"There are: {', '.join(names)}.")
    call.app.theme = chosen
    call.app.say(f'Theme {chosen}. To keep it: [ui] theme = "{chosen}" in the configuration.')


async def quit_program(call: Call) -> None:
    """Quit, when the officer says yes; what waits in the outbox is named."""
    from socialtriage.ui.screens.dialogs import Confirm

    waiting, _ = call.app.board.outbox_words()
    lines = [f"{waiting}: it leaves with the next poll, `outbox send` or open inbox."] if waiting else []
    if await call.ask(Confirm("Quit socialtriage?", lines, yes="Quit", no="Stay")):
        call.app.exit()
