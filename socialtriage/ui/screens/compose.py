"""Writing a reply: the thread is in view, its length is counted as its network does, a review follows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static, TextArea

from socialtriage.domain.errors import SocialTriageError
from socialtriage.domain.models import Visibility
from socialtriage.domain.text import clean_line
from socialtriage.domain.views import CaseDetail
from socialtriage.services import likely_answers, saved_answers
from socialtriage.services.reply_place import window_words
from socialtriage.services.reply_rules import Rules
from socialtriage.ui import case_text, words
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.flow import Para, para
from socialtriage.ui.screens.ask import Write
from socialtriage.ui.screens.choices import Choice
from socialtriage.ui.screens.picker import Picker
from socialtriage.ui.session import Written
from socialtriage.ui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from socialtriage.config.model import SavedAnswer
    from socialtriage.ui.app import TriageApp

LEAST, MOST = 4, 16
"""Lines of the thread that are shown at once; the rest is scrolled to."""
FIELD = 8
"""Lines of the field, where there is room."""
AROUND = 17
"""Lines of the screen that the thread leaves to everything else."""


class Compose(Write):
    """Ends with the text; escape means that it is done, and the review decides. `result` holds what goes with it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.COMPOSING)]
    DEFAULT_CSS = """
    Compose {
        #box { width: 92; }
        #thread { height: 7; }
        #thread .text-pane--base { background: $surface; }
        #rules { color: $ink-dim; }
        #rules.-over { color: $alarm; }
        TextArea { height: 8; margin: 0; }
    }
    """

    def __init__(
        self,
        app: TriageApp,
        detail: CaseDetail,
        begun: Written,
        keep: Callable[[str], None],
        keep_last: Callable[[str], None] | None = None,
    ) -> None:
        row = detail.row
        title = f"Reply to {clean_line(row.name or row.handle, 40)}, {row.ref}"
        super().__init__(title, begun.text, esc_keeps=True, keep=keep, keep_last=keep_last)
        self._triage, self._detail = app, detail
        self.result = begun
        """What goes with the words: audience, promise, saved answer."""
        self._rules: Rules | None = None
        self.HINT = "ctrl+o saved answer   ctrl+t promise   esc when it is done"

    def held(self) -> ComposeResult:
        """The thread, what holds for the answer, and the field."""
        yield TextPane(id="thread")
        yield from super().held()
        yield Static(self._rules_words(""), markup=False, id="rules")

    def on_mount(self) -> None:
        """The end of the thread is in view; the network's rules are asked for."""
        super().on_mount()
        thread = self.query_one("#thread", TextPane)
        thread.show(list(self._thread()))
        self.call_after_refresh(self._fit, thread)
        self._count()
        self._triage.in_background(self._learn, "rules", "asking for the network's rules")

    def _fit(self, thread: TextPane) -> None:
        """As high as the thread, or as there is room."""
        room = max(LEAST, min(MOST, self.app.size.height - AROUND))
        height = max(LEAST, min(room, thread.virtual_size.height))
        thread.styles.height = height
        self.query_one(TextArea).styles.height = max(3, min(FIELD, self.app.size.height * 9 // 10 - height - 4))
        self.call_after_refresh(thread.action_move, "last")

    def _thread(self) -> Iterator[Para]:
        """Where it was returned, the words of the second officer come first."""
        returned = next((e for e in reversed(self._detail.events) if e.kind.startswith("reply.")), None)
        if returned is not None and returned.kind == "reply.returned" and returned.note:
            yield para(f"{clean_line(returned.officer)} returned your reply: {clean_line(returned.note, 600)}", "warn")
            yield para("")
        yield from case_text.thread(self._detail, self._triage.reader())

    # --- the network's rules ------------------------------------------------------------------------------

    async def _learn(self) -> None:
        try:
            first = next(iter(self.result.places), None)
            self._rules = await self._triage.background.reply_rules(
                self._detail.row.id, private=self.result.private, message=first
            )
        except SocialTriageError:
            return  # the review says why it cannot leave; writing goes on
        if self.is_attached:
            self._count()

    def _count(self) -> None:
        text = self.query_one(TextArea).text
        line = self.query_one("#rules", Static)
        line.update(self._rules_words(text))
        line.set_class(self._too_many(text) > 0, "-over")

    def _too_many(self, text: str) -> int:
        rule = self._rules.measure(text) if self._rules else None
        return rule.used - rule.limit if rule is not None and rule.limit is not None else 0

    def _rules_words(self, text: str) -> str:
        """`PUBLIC on mastodon as town, 24 of 500 characters`, and what ends when."""
        row, rules = self._detail.row, self._rules
        asked = next((m.visibility for m in reversed(self._detail.messages) if m.voice == "resident"), row.visibility)
        visibility = rules.visibility if rules else Visibility.PRIVATE if self.result.private else asked
        said = f"{words.VISIBILITY[visibility]} on {words.network(rules.network if rules else row.network)}"
        if rules is not None:
            rule = rules.measure(text)
            more = f" and in {len(self.result.places) - 1} more" if len(self.result.places) > 1 else ""
            said += f" as {clean_line(rules.account)}{more}: {rule.words}"
            if (over := self._too_many(text)) > 0:
                said += f", {over} too many"
            if rules.window is not None:
                desk = self._triage.desk
                said += "; " + window_words(rules.window, desk.clock(), desk.zone)
        if self.result.promise is not None:
            said += f"; promise: {self._triage.reader().at(self.result.promise)}"
        return said

    def on_text_area_changed(self) -> None:
        """Count, and keep it when the writing pauses."""
        super().on_text_area_changed()
        self._count()

    # --- keys ---------------------------------------------------------------------------------------------

    def action_saved(self) -> None:
        """Choose a saved answer and put it in at the cursor."""
        self._triage.in_background(self._saved, "ask", "choosing a saved answer")

    async def _saved(self) -> None:
        app, row = self._triage, self._detail.row
        likest = likely_answers.likest
        offers = await asyncio.to_thread(likest, app.desk, row.id, saved_answers.offered(app.desk, row))
        found = [offer.answer for offer, _ in offers]
        if not found:
            app.say("The configuration has no saved answers.", "$warn")
            return
        choices = [Choice(answer.id, answer.id, hint=_hint(answer)) for answer in found]
        chosen = await app.ask(Picker("Saved answer", choices))
        if chosen:
            work = partial(saved_answers.wording, app.desk, row.id, chosen, app.desk.clock(), self.result.promise)
            self.query_one(TextArea).insert(await app.write(work))
            self.result = replace(self.result, answer=chosen)

    def action_promise(self) -> None:
        """Say by when there will be more; the words are put in at the cursor."""
        self._triage.in_background(self._promise, "ask", "asking for a moment")

    async def _promise(self) -> None:
        by = await ask_promise(self._triage)
        if by is not None:
            self.result = replace(self.result, promise=by)
            self.query_one(TextArea).insert(f"by {saved_answers.moment_of(self._triage.desk, by)}")
            self._count()


def _hint(answer: SavedAnswer) -> str:
    """What an answer says, and whom it is for."""
    return clean_line(("for a repeat: " if answer.for_repeats else "") + answer.text, 50)


async def ask_promise(app: TriageApp) -> datetime | None:
    """By when something is promised; None when the officer leaves the question. Raises `UsageError`."""
    from socialtriage.ui.screens.ask_when import AskWhen, moment

    when = await app.ask(AskWhen("Promise word by", app.desk))
    return moment(when, app.desk) if when else None
