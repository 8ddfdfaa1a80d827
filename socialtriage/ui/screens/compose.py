"""Writing a reply: what the resident wrote last is in view, saved answers are a key away, a review follows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static, TextArea

from socialtriage.domain.models import Voice
from socialtriage.domain.text import clean, clean_line
from socialtriage.domain.views import CaseDetail
from socialtriage.services import replies
from socialtriage.ui import words
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.screens.ask import Write
from socialtriage.ui.screens.choices import Choice
from socialtriage.ui.screens.picker import Picker

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp

SHOWN = 600
"""Characters of the resident's last message that are shown."""


class Compose(Write):
    """Ends with the text; escape means that it is done, and the review decides."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.COMPOSING)]
    DEFAULT_CSS = """
    Compose {
        #box { width: 84; }
        #before { color: $ink-dim; max-height: 7; }
        TextArea { height: 10; }
    }
    """

    def __init__(self, app: TriageApp, detail: CaseDetail, text: str, keep: Callable[[str], None]) -> None:
        row = detail.row
        super().__init__(
            f"Reply to {clean_line(row.name or row.handle, 40)}, {row.ref}", text, esc_keeps=True, keep=keep
        )
        self._triage, self._detail = app, detail
        self.HINT = "ctrl+o saved answer   esc when it is done"

    def held(self) -> ComposeResult:
        """What the resident wrote last, and the field."""
        asked = [each for each in self._detail.messages if each.voice is Voice.RESIDENT]
        last = clean(asked[-1].text[:SHOWN]).strip() if asked else ""
        visible = words.VISIBILITY[asked[-1].visibility if asked else self._detail.row.visibility]
        network = words.network(self._detail.row.network)
        yield Static(f"{visible} on {network}: {last}", markup=False, id="before")
        yield from super().held()

    def action_saved(self) -> None:
        """Choose a saved answer and put it in at the cursor."""
        self._triage.in_background(self._saved, "ask", "choosing a saved answer")

    async def _saved(self) -> None:
        app, row = self._triage, self._detail.row
        found = sorted(app.desk.config.answers, key=lambda answer: (answer.area != row.area, answer.id))
        if not found:
            app.say("The configuration has no saved answers.", "$warn")
            return
        choices = [Choice(answer.id, answer.id, hint=clean_line(answer.text, 50)) for answer in found]
        chosen = await app.ask(Picker("Saved answer", choices))
        if chosen:
            work = partial(replies.saved, app.desk, row.id, chosen, app.desk.clock())
            self.query_one(TextArea).insert(await app.write(work))
