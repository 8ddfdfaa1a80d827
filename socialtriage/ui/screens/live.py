"""One post followed live: what is to be answered first, then answered, then off topic."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.binding import BindingType

from socialtriage.domain.text import clean, clean_line
from socialtriage.services import live
from socialtriage.services.live import Place, Post, Question
from socialtriage.ui import words
from socialtriage.ui.actions import Where, bindings_for
from socialtriage.ui.cells import Run
from socialtriage.ui.flow import Para, fact, para
from socialtriage.ui.screens.ask import Ask
from socialtriage.ui.screens.page import Page, cell

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp

AGAIN = 20.0
"""Seconds between two words to whoever polls that somebody still looks."""
STYLE = {Place.TO_ANSWER: "warn", Place.ANSWERED: "calm", Place.OFF_TOPIC: "dim"}
NEXT = {Place.TO_ANSWER: Place.ANSWERED, Place.ANSWERED: Place.OFF_TOPIC, Place.OFF_TOPIC: Place.TO_ANSWER}


class LiveScreen(Page):
    """While it is open, the post's account is polled fast; questions come in by themselves."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.LIVE,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.LIVE)]
    TITLE_WORDS = "Live"
    EMPTY = "Nobody has asked anything below this post yet."

    def __init__(self, app: TriageApp, post: Post) -> None:
        super().__init__(app)
        self.post = post
        account = app.desk.account(post.account)
        self.pace: timedelta = live.pace(app.desk, account, live.EVERY)

    def on_mount(self) -> None:
        """Read the questions, and have the account polled fast."""
        super().on_mount()
        self._hurry()
        self.set_interval(AGAIN, self._hurry)
        self.triage.background.poll_now()

    def _hurry(self) -> None:
        app = self.triage
        app.in_background(
            partial(app.write, live.hurry, app.desk, self.post.account, self.pace), "live", "polling fast"
        )

    def on_unmount(self) -> None:
        """The account goes back to its own pace."""
        app, account = self.triage, self.post.account
        app.in_background(partial(app.write, live.rest, app.desk, account), "live", "polling at its own pace again")

    def read(self) -> Sequence[Any]:
        """The board."""
        return live.board(self.triage.desk, self.post)

    def headline(self) -> str:
        """How many stand where, and below which post."""
        rows = cast(list[Question], self.values)
        counts = [f"{sum(row.place is place for row in rows)} {live.WORDS[place]}" for place in Place]
        title = clean_line(self.post.title or self.post.key, 60)
        return f"{', '.join(counts)}   {self.post.account}: {title}"

    def line(self, value: Any, width: int) -> list[Run]:
        """Where it stands, when, who, what."""
        question = cast(Question, value)
        asked, now = question.asked, self.triage.desk.clock()
        who = 18
        return [
            cell(live.WORDS[question.place], 9, STYLE[question.place]),
            cell(words.ago(asked.at, now), 9, "dim"),
            cell(clean_line(asked.name or asked.handle), who, "strong"),
            cell(clean_line(asked.text, 300), max(10, width - 2 - 10 - 10 - who - 2)),
        ]

    def details(self, value: Any) -> Sequence[Para]:
        """The question whole, and the answer."""
        return list(self._details(cast(Question, value)))

    def _details(self, question: Question) -> Iterator[Para]:
        asked, at = question.asked, self.triage.reader().at
        handle = asked.handle if asked.handle != asked.name else ""
        yield para(clean_line(f"{asked.ref} {asked.name} {handle}"), "title")
        yield fact("Stands", (live.WORDS[question.place], STYLE[question.place]))
        yield fact("Asked", (at(asked.at), ""))
        if asked.gone:
            yield fact("Source", ("removed there", "warn"))
        yield para("")
        yield para(clean(asked.text)[:4000], indent=2)
        if asked.answer and question.place is Place.ANSWERED:
            yield para("")
            yield para("OUR ANSWER", "heading")
            yield para(clean(asked.answer)[:4000], indent=2)

    # --- keys ---------------------------------------------------------------------------------------------

    def action_move_on(self) -> None:
        """To the next column, and from the last to the first."""
        if (question := cast(Question | None, self.pointed())) is not None:
            self._put(question, NEXT[question.place])

    def action_off_topic(self) -> None:
        """Off topic, or back."""
        if (question := cast(Question | None, self.pointed())) is not None:
            off = question.place is Place.OFF_TOPIC
            self._put(question, Place.TO_ANSWER if off else Place.OFF_TOPIC)

    def _put(self, question: Question, place: Place) -> None:
        self.triage.in_background(partial(self._move, question, place), "live-move", "moving a question")

    async def _move(self, question: Question, place: Place) -> None:
        app = self.triage
        app.say((await app.write(live.move, app.desk, question.asked, place)).said)
        self.renew()

    def action_open_case(self) -> None:
        """Open the case of the question, to answer it there."""
        if (question := cast(Question | None, self.pointed())) is not None:
            self.triage.perform("find.reference", question.asked.ref)

    def on_rows_chosen(self) -> None:
        """A click on the selected question opens its case."""
        self.action_open_case()

    def action_save(self) -> None:
        """Write the board to a file."""
        self.triage.in_background(self._save, "ask", "saving the questions")

    async def _save(self) -> None:
        app = self.triage
        name = await app.ask(Ask("Save questions and answers", "A file that ends with .csv or .json", "questions.csv"))
        if name and name.strip():
            app.say((await asyncio.to_thread(live.export, app.desk, self.post, Path(name.strip()))).said)
