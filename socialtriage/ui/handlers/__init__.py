"""What the actions of the table do, one module a subject. A handler takes a `Call` and is imported at first use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar, cast

from socialtriage.domain.errors import Stale
from socialtriage.domain.late import dataclass

if TYPE_CHECKING:
    from socialtriage.domain.views import CaseDetail, CaseRow, Done
    from socialtriage.services.desk import Desk
    from socialtriage.ui.actions import Action
    from socialtriage.ui.app import TriageApp
    from socialtriage.ui.screens.base import DeskScreen
    from socialtriage.ui.screens.dialogs import Dialog

T = TypeVar("T")


@dataclass(slots=True)
class Call:
    """One action asked for: by a key, the palette, the `:` line or the mouse."""

    app: TriageApp
    screen: DeskScreen
    """The screen it was asked on."""
    action: Action
    argument: str = ""
    """What the `:` line, or the last time, said; "" asks."""
    holds: list[object] = field(default_factory=list)
    """What keeps keys waiting until the action asks something, and again until it is done."""
    works_on: list[int] = field(default_factory=list)
    """Cases whose words it shows."""

    @property
    def desk(self) -> Desk:
        """The desk."""
        return self.app.desk

    async def ask(self, dialog: Dialog[T]) -> T | None:
        """What the officer answers; None when they leave the dialog."""
        return await self.app.ask(dialog, self.holds)

    def rows(self) -> list[CaseRow]:
        """The cases it applies to; none is said."""
        rows = self.screen.targets()
        if not rows:
            self.app.say("No case is selected.", "$warn")
        return rows

    async def whole(self, case_id: int) -> CaseDetail:
        """A case with its words, for working on it. That somebody looked at a restricted one is put on record."""
        from socialtriage.services import inbox, restricting

        found = await asyncio.to_thread(inbox.detail, self.desk, case_id)
        if "restricted" in found.flags and case_id not in self.app.session.unmasked:
            await self.app.write(restricting.unmask, self.desk, case_id)
        self.works_on.append(case_id)
        self.app.session.at_work.setdefault(case_id, frozenset(found.flags))
        return found

    def done(self, done: Done, argument: str = "") -> None:
        """Say what was done, show it, and let `.` do it again."""
        self.app.session.last_action = (self.action.id, argument)
        self.app.say(done.said)
        self.screen.acted(done)
        if self.screen is not self.app.home:
            self.app.home.acted(done)


Handler = Callable[[Call], Awaitable[None]]


@cache
def handler(name: str) -> Handler:
    """The function of a row's `handler`."""
    module, _, function = name.partition(".")
    return cast(Handler, getattr(import_module(f"{__name__}.{module}"), function))


async def run(call: Call) -> None:
    """Run the handler of an action. A case that somebody else changed is shown as it is now, with what changed."""
    try:
        await _run(call)
    finally:
        for case_id in call.works_on:
            call.app.session.at_work.pop(case_id, None)
        call.app.gate.open(*call.holds)


async def _run(call: Call) -> None:
    if not call.action.handler:
        await call.screen.run_action(call.action.do)
        return
    try:
        await handler(call.action.handler)(call)
    except Stale as stale:
        from socialtriage.ui.screens.dialogs import Message

        call.app.renew()
        await call.ask(Message("Nothing was done", [stale.message, *stale.changes, stale.hint]))


def versions(rows: list[CaseRow]) -> dict[int, int]:
    """What the officer saw: case id → version."""
    return {row.id: row.version for row in rows}
