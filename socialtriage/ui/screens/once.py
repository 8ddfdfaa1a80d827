"""The same answer for many: every case that asks the same with its own words, ticked or not, before any leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from socialtriage.domain.errors import SocialTriageError
from socialtriage.domain.models import Urgency
from socialtriage.domain.text import clean, clean_line
from socialtriage.domain.views import CaseRow, Done
from socialtriage.services import answer_once
from socialtriage.services.replies import ReplyDraft, Wishes
from socialtriage.ui import words
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.cells import Run, shorten
from socialtriage.ui.flow import Para, fact, para
from socialtriage.ui.screens.ask import Write
from socialtriage.ui.screens.page import cell
from socialtriage.ui.screens.ticking import Ticking

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp


@dataclass(frozen=True, slots=True)
class Item:
    """One case: its words, the reply as it would leave or why it cannot, and whether it is ticked."""

    row: CaseRow
    text: str = ""
    draft: ReplyDraft | None = None
    fault: str = ""
    ticked: bool = True


class OnceScreen(Ticking[None]):
    """Ends with what was done in `sent`; None when nothing was sent."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.ONCE,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.ONCE)]
    TITLE_WORDS = "Answer once"

    def __init__(
        self, app: TriageApp, first: CaseRow, alike: Sequence[CaseRow], template: str | None, answer: str | None
    ) -> None:
        super().__init__()
        self._template, self._answer = template, answer
        # The case that the words come from has had them already, when they were its reply.
        cases = [*([first] if template is None else ()), *alike]
        self.items = [Item(row) for row in cases]
        self.sent: Done | None = None

    def on_mount(self) -> None:
        """Make every reply."""
        self.triage.in_background(self._prepare, "review", "preparing the replies")

    def headline(self) -> str:
        """How many are answered."""
        ticked = sum(item.ticked and item.draft is not None for item in self.items)
        return f"{ticked} of {words.many(len(self.items), 'case')} to be answered, half a minute apart"

    async def _prepare(self) -> None:
        for number in range(len(self.items)):
            self.items[number] = await self._made(self.items[number])
            self.show_all()

    async def _made(self, item: Item, text: str | None = None) -> Item:
        app = self.triage
        try:
            made = text
            if made is None:
                made = await app.write(answer_once.words_for, app.desk, item.row.id, self._template, self._answer)
            wishes = Wishes(answer=self._answer, seen=item.row.version)
            draft = await app.background.draft_reply(item.row.id, made, wishes)
        except SocialTriageError as error:
            return replace(item, text=text or item.text, draft=None, fault=str(error), ticked=False)
        # What is warned about, and what may be a matter of life, is looked at and ticked by hand.
        careful = bool(draft.warnings) or Urgency.EMERGENCY in (item.row.urgency, item.row.suggested_urgency)
        return replace(item, text=made, draft=draft, fault="", ticked=not careful or text is not None)

    # --- what is shown ------------------------------------------------------------------------------------

    def line(self, item: Item) -> list[Run]:
        """Ticked or not, the case, and what was asked."""
        row, room = item.row, max(10, self.rows.room - 4 - 11 - 5 - 2)
        tick = "[x]" if item.ticked and item.draft else "[ ]"
        warned = "! " if item.fault or (item.draft and item.draft.warnings) else ""
        return [
            cell(tick, 3, "strong"),
            cell(row.ref, 10, "strong"),
            cell(words.VISIBILITY_SHORT[row.visibility], 4),
            (shorten(clean_line(f"{warned}{row.name or row.handle}: {row.snippet}"), room), "warn" if warned else ""),
        ]

    def details(self, item: Item) -> list[Para]:
        """Who asked, and what exactly leaves."""
        row, draft = item.row, item.draft
        found = [
            para(clean_line(f"{row.ref} {row.name} {row.handle}"), "title"),
            fact("Asked", (clean_line(row.snippet), "")),
        ]
        if draft is not None:
            found.append(fact("Seen by", (words.VISIBILITY[draft.visibility], "strong")))
            found += [para("! " + clean_line(each, 400), "warn") for each in draft.warnings]
            found += [para(""), para("EXACTLY THIS LEAVES", "heading"), para(clean(draft.text))]
        elif item.fault:
            found += [
                para(""),
                para(clean(f"It cannot leave like this: {item.fault}"), "alarm"),
                para(clean(item.text)),
            ]
        return found

    # --- keys ---------------------------------------------------------------------------------------------

    def action_tick(self) -> None:
        """This case too, or not."""
        at = self.rows.cursor
        if self.items[at].draft is None:
            self.triage.say("That one cannot leave; e changes its words.", "$warn")
            return
        self.items[at] = replace(self.items[at], ticked=not self.items[at].ticked)
        self.show_all()

    def action_edit(self) -> None:
        """Other words for this case alone."""
        self.triage.in_background(partial(self._edit, self.rows.cursor), "ask", "changing the words")

    async def _edit(self, at: int) -> None:
        item = self.items[at]
        text = await self.triage.ask(Write(f"Answer to {item.row.ref}", item.text, esc_keeps=True))
        if text is not None and text.strip():
            self.items[at] = await self._made(item, text)
            self.show_all()

    def action_send(self) -> None:
        """Queue the ticked ones."""
        chosen = [item.draft for item in self.items if item.ticked and item.draft is not None]
        if not chosen:
            self.triage.say("No case is ticked; nothing was sent.", "$warn")
        elif self.sent is None:
            self.triage.in_background(partial(self._send, chosen), "review-send", "putting the replies into the outbox")

    async def _send(self, chosen: list[ReplyDraft]) -> None:
        app = self.triage
        done, refused = await app.write(answer_once.send_all, app.desk, chosen)
        ids = tuple(i for each in done for i in each.case_ids)
        said = f"Answered {words.many(len(done), 'case')}, half a minute apart."
        self.sent = Done(" ".join((said, *refused)), ids)
        self.dismiss()
