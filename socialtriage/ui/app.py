"""The program on the screen: it holds the desk, runs actions, says what happened, and keeps the screens true."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import events
from textual.app import App
from textual.binding import BindingType
from textual.geometry import Size
from textual.screen import Screen
from textual.worker import WorkType

from socialtriage.domain.errors import SocialTriageError
from socialtriage.domain.text import clean
from socialtriage.ui import themes
from socialtriage.ui.actions import Action, Where, bindings_for, table
from socialtriage.ui.board import Board
from socialtriage.ui.key_gate import KeyGate
from socialtriage.ui.keymaps import keymap
from socialtriage.ui.screens.base import DeskScreen
from socialtriage.ui.screens.inbox import InboxScreen
from socialtriage.ui.session import Said, Session
from socialtriage.ui.widgets.bars import said

if TYPE_CHECKING:
    from textual.command import Provider

    from socialtriage.services.desk import Desk
    from socialtriage.ui.background import Engine
    from socialtriage.ui.case_text import Reader
    from socialtriage.ui.screens.asking import Asking

log = logging.getLogger(__name__)
T = TypeVar("T")
SMALLEST = Size(60, 15)
"""Of the terminal; below this, words would be clipped."""


def _palette() -> type[Provider]:
    """The palette's actions, imported when the palette opens."""
    from socialtriage.ui.palette import ActionProvider

    return ActionProvider


class TriageApp(App[None]):
    """One officer at one desk. `make_engine` is called after the first frame for what polls and sends behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for(Where.EVERYWHERE)]
    COMMANDS = {_palette}  # noqa: RUF012
    ENABLE_COMMAND_PALETTE = True
    CSS = """
    Screen { color: $ink; }
    ToastRack { margin-bottom: 2; }
    """

    def __init__(
        self,
        desk: Desk,
        make_engine: Callable[[], Engine] | None = None,
        prove: Callable[[], None] | None = None,
    ) -> None:
        self.desk = desk
        super().__init__()
        self.title = "socialtriage"
        self._make_engine = make_engine
        self._prove = prove
        self._cover: Screen[None] | None = None
        self.session = Session()
        self.board = Board()
        self.polling = ""
        self.fault: BaseException | None = None
        """What ended the program against its will."""
        self.keymap = keymap(desk.config.keys)
        self._writes = asyncio.Lock()
        self.gate = KeyGate(self, super().on_event)
        self.home = InboxScreen(self)

    # --- start --------------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[None]:
        """The inbox is the first screen, so that its rows are in the first frame."""
        return self.home

    def get_css_variables(self) -> dict[str, str]:
        """Our colour names for every theme."""
        return themes.complete(super().get_css_variables())

    def on_load(self) -> None:
        """Colours and keys as the configuration wants them; what is wrong with them is said."""
        for name in ("SIGTERM", "SIGHUP"):
            # Told to end, or the window was closed: what is leaving is settled, the terminal is given back.
            with contextlib.suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
                asyncio.get_running_loop().add_signal_handler(getattr(signal, name), self.exit)
        for theme in themes.themes():
            self.register_theme(theme)
        wanted = self.desk.config.ui.theme
        notes = [*self.keymap.problems, *self.keymap.notes]
        if wanted in self.available_themes:
            themes.begin_with(self, wanted)
        else:
            themes.begin_with(self, themes.DEFAULT)
            notes.append(f'ui.theme: there is no theme "{wanted}"; `:theme` shows those there are.')
        self.set_keymap(self.keymap.keys)
        if notes:
            self.session.said = Said(said(" ".join(notes)), "$warn")

    def on_mount(self) -> None:
        """What the first frame does not need comes after it."""
        self.call_after_refresh(self._after_first_frame)

    async def on_resize(self, event: events.Resize) -> None:
        """Say so when the terminal is too small, for as long as it is."""
        small = event.size.width < SMALLEST.width or event.size.height < SMALLEST.height
        covered = self._cover is not None and self.screen is self._cover
        if small and not covered:
            from socialtriage.ui.screens.too_small import TooSmall

            self._cover = TooSmall(SMALLEST)
            await self.push_screen(self._cover)
        elif not small and covered:
            await self.pop_screen()

    async def on_event(self, event: events.Event) -> None:
        """Keys and pasted texts, these cleaned, go through the gate; everything else as ever."""
        if isinstance(event, events.Paste) and not event.is_forwarded:
            await self.gate.take(events.Paste(clean(event.text)))
        elif isinstance(event, events.Key) and not event.is_forwarded:
            await self.gate.take(event)
        else:
            await super().on_event(event)

    def _after_first_frame(self) -> None:
        from socialtriage.ui.background import Background

        self.background = Background(self, self._make_engine)
        self.background.start()
        if self._prove is not None:
            self.in_background(partial(asyncio.to_thread, self._prove), "prove", "judging the configuration")

    # --- actions ------------------------------------------------------------------------------------------

    def action_act(self, action_id: str) -> None:
        """What a key of the action table calls."""
        self.perform(action_id)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No action of the table runs while a text field has the focus."""
        if action == "act" and self.focused is not None and self.focused.check_consume_key("a", "a"):
            return False
        return super().check_action(action, parameters)

    def perform(self, action_id: str, argument: str = "") -> None:
        """Run an action of the table on the present screen; what goes wrong is said in a sentence."""
        from socialtriage.ui.handlers import Call, run

        screen = next(each for each in reversed(self.screen_stack) if isinstance(each, DeskScreen))
        call = Call(self, screen, table()[action_id], argument, holds=[self.gate.close()])
        self.in_background(partial(run, call), f"action-{action_id}", table()[action_id].tooltip, exclusive=False)

    async def ask(self, screen: Asking[T], holds: list[object] | None = None) -> T | None:
        """What the officer answers on a dialog or review; None when they leave it. Call it in a worker.

        With `holds`, the keys' holds of an action, keys go on waiting after the answer until the action is done.
        """
        kept = [] if holds is None else holds

        def ready(looks: int = 20) -> None:
            if looks and screen.focused is None and (not screen.is_mounted or screen.focus_chain):
                # The focus comes after the widgets: a key that is handed on before it would be lost.
                screen.call_after_refresh(ready, looks - 1)
                return
            if not screen.TYPE_AHEAD:
                self.gate.forget()
            self.gate.open(*kept)

        screen.awaited = True
        answer = self.push_screen(screen, wait_for_dismiss=True)
        screen.call_after_refresh(ready)
        try:
            return await answer
        finally:
            kept += screen.holds
            if holds is None:
                self.gate.open(*kept)

    async def action_back(self) -> None:
        """Close what is in the way; the inbox stays."""
        screen = self.screen
        if isinstance(screen, DeskScreen) and screen.step_back():
            return
        if screen is not self.home:
            await self.pop_screen()

    async def action_leave(self) -> None:
        """Back; at home, ask whether to quit."""
        if self.screen is self.home and not self.home.step_back():
            self.perform("app.quit")
        elif self.screen is not self.home:
            await self.action_back()

    def in_background(
        self, work: Callable[[], Coroutine[Any, Any, None]], group: str, description: str, *, exclusive: bool = True
    ) -> None:
        """Run a coroutine function as a worker whose errors become sentences."""

        async def guarded() -> None:
            await self._guard(work)

        worker: WorkType[None] = guarded
        self.run_worker(worker, group=group, exclusive=exclusive, exit_on_error=False, description=description)

    async def _guard(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except SocialTriageError as error:
            self.say_error(error)
        except Exception as error:
            self.unexpected(error)

    async def write(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a service that writes in a thread, one after the other, so that a busy store never holds the screen."""
        async with self._writes:
            return await asyncio.to_thread(work, *args, **kwargs)

    # --- saying -------------------------------------------------------------------------------------------

    def say(self, text: str, style: str = "", *, toast: bool = False) -> None:
        """A sentence in the status line; `toast` also over the screen, for what nobody waits for."""
        self.session.said = Said(said(text), style)
        if toast:
            self.notify(said(text), markup=False, severity="warning" if style else "information")
        self.refresh_bars()

    def say_error(self, error: SocialTriageError) -> None:
        """What was refused, and what to do next."""
        log.info("said: %s", error, exc_info=error)
        self.say(str(error), "$alarm")

    def unexpected(self, error: Exception) -> None:
        """A fault of ours: a sentence on screen, the trace in the log."""
        log.error("unexpected", exc_info=error)
        name = type(error).__name__
        self.say(f"That did not work because of a fault in socialtriage ({name}). -v writes it to the log.", "$alarm")

    def _handle_exception(self, error: Exception) -> None:
        """A widget is broken beyond going on: end with a sentence, not with a trace over the screen."""
        if self.is_headless:
            super()._handle_exception(error)
            return
        log.critical("ended by a fault", exc_info=error)
        self.fault = error
        self._return_code = 1
        self._close_messages_no_wait()

    # --- what the screens show -----------------------------------------------------------------------------

    def refresh_bars(self) -> None:
        """Draw the bars of the screens again."""
        for screen in self.screen_stack:
            if isinstance(screen, DeskScreen) and screen.is_mounted:
                screen.refresh_bars()

    def renew(self) -> None:
        """The store changed: every screen looks again."""
        for screen in self.screen_stack:
            if isinstance(screen, DeskScreen) and screen.is_mounted:
                screen.renew()

    def key_of(self, action: Action) -> str:
        """The first key of an action, as it is typed; "" when it has none."""
        keys = self.keymap.keys_of(action)
        return keys[0] if keys else ""

    def reader(self) -> Reader:
        """How this officer reads a case now."""
        from socialtriage.ui.case_text import Reader

        areas = {area.id: area.name for area in self.desk.config.areas}
        needs = {area.id: area.needs for area in self.desk.config.areas if area.needs}
        names = ("accept", "tell", "chase", "merge", "incident")
        accept, tell, chase, merge, incident = (self.key_of(table()[f"case.{name}"]) for name in names)
        picture = self.key_of(table()["case.picture"])
        now, zone = self.desk.clock(), self.desk.zone
        return Reader(
            now, zone, areas, accept_key=accept, tell_key=tell, chase_key=chase, merge_key=merge,
            incident_key=incident, picture_key=picture, needs=needs,
        )  # fmt: skip
