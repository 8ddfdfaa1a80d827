"""What an action is, and the ways to look one up. The rows are in `ui.action_table`.

Bindings, the palette, the `:` line, the help screen, the keymaps and the README's keys all derive from that one table.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from socialtriage.domain.late import dataclass

if TYPE_CHECKING:
    from textual.binding import Binding

UNBOUND = "unbound-"
"""Start of the key name of an action without a key: no terminal sends it, and a keymap can replace it."""


class Where(StrEnum):
    """Where the keys of an action work, in words for the help screen."""

    EVERYWHERE = "everywhere"
    LISTS = "any list"
    CASE_LIST = "the case list"
    SIDEBAR = "the list of views"
    INBOX = "the inbox"
    CASES = "the inbox and a case"
    CASE = "a case"
    CASE_SCREEN = "the case screen"
    PICTURE = "a picture"
    REVIEW = "the handoff review"
    REPLY = "the reply review"
    ONCE = "the same answer for many"
    ACCOUNTS = "the accounts"
    OUTBOX = "the outbox"
    CONTACTS = "the contacts"
    MODERATION = "the moderation"
    LIVE = "a post followed live"
    INCIDENTS = "the incidents"
    STATEMENT = "a statement's review"
    FIGURES = "the figures"
    ANSWERS = "contacts' mail"
    CHASE = "the reminder's review"
    DIALOG = "any dialog"
    CONFIRM = "a question"
    CHOICES = "a list of choices"
    LETTERS = "a choice by letter"
    COMMAND = "the command line"
    WRITING = "a text of several lines"
    COMPOSING = "a reply"
    READING = "a text in a dialog"


class Group(StrEnum):
    """The headings of the help screen."""

    MOVING = "Moving"
    FINDING = "Finding"
    CASES = "Working on cases"
    READING = "Reading a case"
    REVIEW = "Before something leaves"
    DESK = "Accounts, outbox, contacts"
    PROGRAM = "The program"
    DIALOGS = "Dialogs"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing an officer can do.

    A row with a `handler` (`module.function` below `socialtriage.ui.handlers`, imported when first used) can be done
    from the palette and the `:` line too. A row with `do` belongs to the widget or screen that answers this Textual
    action.
    """

    id: str
    keys: str
    """Default keys in Textual's names, separated by commas; "" where there is none."""
    label: str
    """A word or two, for the line of main keys."""
    tooltip: str
    """One sentence, for help, palette and README."""
    where: Where
    group: Group
    handler: str = ""
    do: str = ""
    command: str = ""
    """Its name on the `:` line."""
    argument: str = ""
    """What may follow the name on the `:` line: a word of `ui.commandline.ARGUMENTS`."""
    main: int = 0
    """Place in the line of main keys; 0 is not there."""

    def binding(self) -> Binding:
        """The Textual binding, with the id by which a keymap finds it."""
        from textual.binding import Binding

        call = self.do or f"app.act('{self.id}')"
        keys = self.keys or UNBOUND + self.id
        return Binding(keys, call, self.label, show=False, tooltip=self.tooltip, id=self.id)


@cache
def table() -> dict[str, Action]:
    """Every action by its id, in the order of the table."""
    from socialtriage.ui.action_table import ACTIONS

    return {action.id: action for action in ACTIONS}


@cache
def commands() -> dict[str, Action]:
    """The actions of the `:` line by their name there."""
    return {action.command: action for action in table().values() if action.command}


def actions_for(*places: Where) -> list[Action]:
    """The actions whose keys work in `places`, in the order of the table."""
    return [action for action in table().values() if action.where in places]


def bindings_for(*places: Where) -> list[Binding]:
    """The bindings of `actions_for(*places)`."""
    return [action.binding() for action in actions_for(*places)]
