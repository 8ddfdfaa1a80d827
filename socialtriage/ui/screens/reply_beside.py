"""What may go beside the words of a reply: pictures, where the network takes some, and other places of the case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from socialtriage.domain.models import Visibility
from socialtriage.domain.views import CaseDetail
from socialtriage.services import moderation, reply_everywhere, reply_files
from socialtriage.ui import reply_text
from socialtriage.ui.actions import Action
from socialtriage.ui.screens.ask import Ask
from socialtriage.ui.screens.asking import Asking
from socialtriage.ui.screens.base import DeskScreen
from socialtriage.ui.screens.choices import Choice
from socialtriage.ui.screens.picker import Picker
from socialtriage.ui.session import Written

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp


class ReplyBeside(Asking[None], DeskScreen):
    """The keys of a review that change what goes with the words; the review itself prepares and keeps."""

    def __init__(self, app: TriageApp, detail: CaseDetail, written: Written) -> None:
        super().__init__()
        self.places = reply_everywhere.places(app.desk, detail.row.id)
        there = {place.message for place in self.places}
        chosen = tuple(message for message in written.places if message in there)
        self.detail, self.written = detail, replace(written, places=chosen)

    async def prepare(self) -> None:
        """Make the reply anew."""
        raise NotImplementedError

    async def keep(self, text: str) -> None:
        """Keep what was written."""
        raise NotImplementedError

    def action_places(self) -> None:
        """Answer in another thread or account of the case too, or no longer."""
        if len(self.places) < 2:
            self.triage.say("This case was written of in one place only.")
            return
        self.triage.in_background(self._choose_place, "ask", "choosing where it is answered")

    async def _choose_place(self) -> None:
        now = self.written.places or (self.places[0].message,)
        choices = [Choice(str(each.message), reply_text.place_line(each, each.message in now)) for each in self.places]
        taken = await self.triage.ask(Picker("Answer in this place too, or no longer", choices))
        if taken is None:
            return
        wanted = set(now) ^ {int(taken)}
        if not wanted:
            self.triage.say("One place must stay.", "$warn")
            return
        chosen = tuple(each.message for each in self.places if each.message in wanted)
        self.written = replace(self.written, places=chosen if chosen != (self.places[0].message,) else ())
        await self.keep(self.written.text)
        await self.prepare()

    def main_actions(self) -> Sequence[Action]:
        """Without the keys for pictures where the network takes none, and for places where there is one."""
        needless = {"reply.attach"} if self._no_pictures() else set()
        needless |= {"reply.places"} if len(self.places) < 2 else set()
        return [each for each in super().main_actions() if each.id not in needless]

    def _no_pictures(self) -> str:
        """Why this answer can have no picture, in a sentence; empty where it can."""
        chosen = [place for place in self.places if place.message in self.written.places] or self.places[:1]
        for place in chosen:
            was_private = place.visibility is Visibility.PRIVATE
            private = self.written.private or was_private
            able = moderation.capabilities(self.triage.desk, place.account)
            visibility = Visibility.PRIVATE if private else Visibility.PUBLIC
            begins = private and not was_private
            if why := reply_files.none_taken(able, visibility, place.network, begins=begins):
                return why
        return ""

    def action_attach(self) -> None:
        """Add a picture, and say what is on it."""
        if why := self._no_pictures():
            self.triage.say(why, "$warn")
            return
        self.triage.in_background(self._ask_picture, "ask", "choosing a picture")

    async def _ask_picture(self) -> None:
        place = await self.triage.ask(Ask("Picture", "Where the file is: JPEG, PNG, WebP or GIF"))
        if not place or not place.strip():
            return
        alt = await self.triage.ask(Ask("Picture", "What is on it, for those who cannot see it"))
        if alt is not None:
            await self._with_files((*self.written.files, (place.strip(), alt)))

    def action_detach(self) -> None:
        """Take the pictures out."""
        if self.written.files:
            self.triage.in_background(partial(self._with_files, ()), "review", "preparing the reply")

    async def _with_files(self, files: tuple[tuple[str, str], ...]) -> None:
        self.written = replace(self.written, files=files)
        await self.keep(self.written.text)
        await self.prepare()
