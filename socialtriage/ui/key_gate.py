"""Keys typed ahead reach the screen they are meant for.

Textual hands a key to whatever has the focus when it arrives, and an action that opens a dialog takes a moment. Someone
who types `t b i enter` in one go would have the `b` and the `i` fall on the inbox. So one key is worked off before the
next is handed on, and none is while an action is about to open its dialog.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual import events
from textual.message_pump import MessagePump

if TYPE_CHECKING:
    from textual.app import App

PATIENCE = 1.0
"""Seconds after which keys are handed on whatever is going on: a slow action does not hold the keyboard."""


class KeyGate:
    """Hands keys and pasted texts on, one after the other. All of it runs on the event loop."""

    def __init__(self, app: App[None], deliver: Callable[[events.Event], Awaitable[None]]) -> None:
        self._app = app
        self._deliver = deliver
        self._waiting: deque[events.Event] = deque()
        self._closed: set[object] = set()
        self._under_way: object | None = None
        self._since = 0.0
        self._timed = False

    def close(self) -> object:
        """Hold keys back; what is returned opens the gate again."""
        token = object()
        self._closed.add(token)
        self._since = time.monotonic()
        return token

    def open(self, *tokens: object) -> None:
        """Take the holds back; when none is left, what was typed meanwhile is handed on."""
        self._closed.difference_update(tokens)
        if self._waiting:
            self._app.call_later(self._feed)

    def forget(self) -> None:
        """Drop what was typed ahead: it was typed before the officer could see what it would do."""
        self._waiting.clear()

    async def take(self, event: events.Event) -> None:
        """A key came from the terminal."""
        self._waiting.append(event)
        await self._feed()
        if self._waiting and not self._timed:
            self._timed = True
            self._app.set_timer(PATIENCE, self._overdue)

    async def _feed(self) -> None:
        while self._waiting and not self._closed and self._under_way is None:
            event = self._waiting.popleft()
            self._under_way = token = object()
            self._since = time.monotonic()
            target: MessagePump = self._app.focused or self._app.screen
            await self._deliver(event)
            self._follow(target, [target], token)

    def _follow(self, node: MessagePump | None, again: list[MessagePump], token: object) -> None:
        """Go the way that a key goes up, behind it, and once more behind the message that a field made of it.

        When the program is reached, the key has been worked off.
        """
        while node is not None and node is not self._app:
            above = node._parent
            if node.call_later(self._follow, above, again, token):
                return
            node = above
        self._app.call_later(self._arrived, again, token)

    async def _arrived(self, again: list[MessagePump], token: object) -> None:
        if again:
            self._follow(again.pop(), again, token)
        elif self._under_way is token:
            self._under_way = None
            await self._feed()

    async def _overdue(self) -> None:
        """Something held the keys too long, or a widget went away with a key in its hands."""
        self._timed = False
        if time.monotonic() - self._since >= PATIENCE * 0.9:
            self._closed.clear()
            self._under_way = None
        await self._feed()
        if self._waiting:
            self._timed = True
            self._app.set_timer(PATIENCE, self._overdue)
