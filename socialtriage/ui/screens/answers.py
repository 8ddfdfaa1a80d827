"""Mails of contacts that nobody can place for certain: let them in, put them into another case, or ignore them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from socialtriage.domain.answers import MailKind, MailView
from socialtriage.domain.errors import UsageError
from socialtriage.domain.text import clean, clean_line, snippet
from socialtriage.domain.views import Done
from socialtriage.domain.when import parse_date
from socialtriage.services import answers, inbox
from socialtriage.ui import words
from socialtriage.ui.actions import Where, bindings_for, table
from socialtriage.ui.cells import Run
from socialtriage.ui.flow import Para, fact, para
from socialtriage.ui.screens.ask import Ask
from socialtriage.ui.screens.dialogs import Confirm
from socialtriage.ui.screens.page import Page, cell

KINDS = {
    MailKind.ANSWER: "a mail",
    MailKind.ABSENCE: "away",
    MailKind.AUTOMATIC: "automatic",
    MailKind.BOUNCE: "came back",
}
ACCEPTED = {
    MailKind.ANSWER: "a puts it into its case; c into another; x takes it off the list.",
    MailKind.ABSENCE: "a notes the absence, and the deputy gets the handoffs; x takes it off the list.",
    MailKind.AUTOMATIC: "c puts it into a case; x takes it off the list.",
    MailKind.BOUNCE: "a brings the handoff back to the desk; x takes it off the list.",
}


class AnswersScreen(Page):
    """What waits for a decision, oldest first."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.ANSWERS,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.ANSWERS)]
    TITLE_WORDS = "Contacts' mail"
    EMPTY = "No mail of a contact waits for you. Those that were certain are in their cases."

    def read(self) -> Sequence[Any]:
        """The mails."""
        return answers.listing(self.triage.desk, unmasked=self.triage.session.unmasked)

    def headline(self) -> str:
        """How many there are."""
        return f"{words.many(len(self.values), 'mail')} to place"

    def line(self, value: Any, width: int) -> list[Run]:
        """What it is, for which case, by whom, the first words."""
        mail = cast(MailView, value)
        room = max(8, width - 2 - 11 - 11 - 25 - 10)
        return [
            cell(KINDS[mail.kind], 10, "warn" if mail.kind is not MailKind.ANSWER else ""),
            cell(mail.ref or "?", 10, "strong"),
            cell(mail.who or "(no sender)", 24),
            cell(mail.subject or snippet(mail.text, 60), room, "calm"),
            cell(words.ago(mail.at, self.triage.desk.clock()), 9, "dim"),
        ]

    def details(self, value: Any) -> Sequence[Para]:
        """Everything about one mail."""
        return list(self._details(cast(MailView, value)))

    def _details(self, mail: MailView) -> Iterator[Para]:
        at = self.triage.reader().at
        yield para(clean_line(mail.subject) or "(no subject)", "title")
        yield fact("From", (clean_line(mail.who, 200), "strong"))
        yield fact("Came", (at(mail.at), ""))
        yield fact("Why", (clean_line(mail.why, 400) + ".", "warn"))
        if mail.ref:
            yield fact("Case", (mail.ref, "strong"), (" is it in" if mail.placed else ", perhaps", "dim"))
        if mail.until:
            yield fact("Away until", (f"{mail.until:%A} {mail.until.day} {mail.until:%B}", "warn"))
        if mail.files:
            yield fact("Files", (words.many(mail.files, "file"), ""))
        yield para(ACCEPTED[mail.kind], "dim")
        yield para("")
        yield para(clean(mail.text) or "(no words)", indent=2)

    # --- keys ---------------------------------------------------------------------------------------------

    def action_accept(self) -> None:
        """Let it do what it says."""
        mail = cast(MailView | None, self.pointed())
        if mail is not None:
            self.triage.in_background(partial(self._accept, mail), "answers", "letting a mail in")

    async def _accept(self, mail: MailView) -> None:
        if mail.kind is MailKind.ABSENCE and mail.until is None:
            await self._absence(mail)
        elif mail.case_id is None and mail.kind is not MailKind.ABSENCE:
            await self._other_case(mail)
        else:
            seen = {mail.case_id: mail.version} if mail.case_id is not None and mail.version is not None else None
            await self._decided(partial(answers.accept, self.triage.desk, mail.id, expect=seen))
            if mail.kind is MailKind.ABSENCE:
                await self._hand_on(mail)

    async def _absence(self, mail: MailView) -> None:
        asked = await self.triage.ask(
            Ask(f"Away: {clean_line(mail.who, 60)}", "The last day: 2026-12-24, +7d, tomorrow")
        )
        if not asked or not asked.strip():
            return
        desk = self.triage.desk
        try:
            until = parse_date(asked, desk.clock().astimezone(desk.zone).date())
        except ValueError as error:
            raise UsageError(str(error)) from error
        await self._decided(partial(answers.accept, desk, mail.id, until=until))
        await self._hand_on(mail)

    async def _hand_on(self, mail: MailView) -> None:
        """The deputy could have the case now: an officer says so, and looks at the mail before it leaves."""
        from socialtriage.ui.handlers import Call, leaving

        app = self.triage
        deputy = answers.deputy_for(app.desk, mail)
        if deputy is None or mail.case_id is None:
            return
        lines = [f"{deputy.name} stands in.", "You see the mail before it leaves."]
        if await app.ask(Confirm(f"Hand {mail.ref} to {deputy.name}?", lines, yes="Hand off", no="Later")):
            call = Call(app, self, table()["case.handoff"], deputy.id)
            await leaving.hand_to(call, inbox.rows(app.desk, [mail.case_id])[0], deputy.id)

    def action_case(self) -> None:
        """Put it into another case."""
        mail = cast(MailView | None, self.pointed())
        if mail is not None:
            self.triage.in_background(partial(self._other_case, mail), "answers", "choosing a case")

    async def _other_case(self, mail: MailView) -> None:
        asked = await self.triage.ask(Ask("Which case is it about?", "A reference, in any spelling", mail.ref or ""))
        if not asked or not asked.strip():
            return
        desk = self.triage.desk

        def work() -> Done:
            return answers.accept(desk, mail.id, case_id=inbox.resolve(desk, asked))

        await self._decided(work)

    def action_ignore(self) -> None:
        """Take it off the list."""
        mail = cast(MailView | None, self.pointed())
        if mail is not None:
            work = partial(answers.ignore, self.triage.desk, mail.id, seen=mail.state)
            self.triage.in_background(partial(self._decided, work), "answers", "ignoring a mail")

    async def _decided(self, work: Any) -> None:
        done = await self.triage.write(work)
        self.triage.say(done.said)
        self.triage.renew()

    def action_open_case(self) -> None:
        """Open the case that it may belong to."""
        mail = cast(MailView | None, self.pointed())
        if mail is not None and mail.ref:
            self.triage.perform("find.reference", mail.ref)
        elif mail is not None:
            self.triage.say("Nobody knows yet which case this mail is about; c puts it into one.", "$warn")

    def on_rows_chosen(self) -> None:
        """A click on the selected row opens its case."""
        self.action_open_case()
