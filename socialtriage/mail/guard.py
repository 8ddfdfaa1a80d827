"""An end to conversations with mail servers, and no way back for what was said in confidence.

`smtplib` counts its time-out anew for every byte, so that a server which sends one a second is never late. A guarded
connection is cut off from outside when its time is over, whatever layer of TLS lies upon it by then.
"""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from typing import Any


class Guard:
    """Cuts one connection off after so many seconds. Use as a context manager around the whole conversation."""

    def __init__(self, seconds: float) -> None:
        self.cut = False
        """Whether the time was over."""
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Guard:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    def watch(self, wire: socket.socket) -> None:
        """Watch over a connection that was just made. The duplicate outlives every wrapping in TLS."""
        with self._lock:
            self._handle = wire.dup()
            if self.cut:
                self._shut()

    def _end(self) -> None:
        with self._lock:
            self.cut = True
            self._shut()

    def _shut(self) -> None:
        if self._handle is not None:
            with suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)


class GuardedSmtp(smtplib.SMTP):
    """An SMTP connection, with TLS from the first byte where a context is given."""

    def __init__(self, host: str, port: int, timeout: float, guard: Guard, context: ssl.SSLContext | None) -> None:
        self._guard, self._context = guard, context
        super().__init__(host, port, "localhost", timeout=timeout)

    def _get_socket(self, host: Any, port: Any, timeout: Any) -> socket.socket:
        wire = socket.create_connection((host, port), timeout)
        self._guard.watch(wire)
        if self._context is None:
            return wire
        try:
            return self._context.wrap_socket(wire, server_hostname=host)
        except BaseException:
            wire.close()
            raise


def hidden(words: str, user: str, secret: str) -> str:
    """The words of a server, which may repeat what it was given, without the secret in any form it was sent in."""
    if not secret:
        return words
    quoted = secret.replace("\\", "\\\\").replace('"', '\\"')
    bearer = f"auth=Bearer {secret}\1\1"
    coded = [secret, f"\0{user}\0{secret}", f"user={user}\1{bearer}", f"n,a={user},\1{bearer}"]
    forms = [secret, quoted, *(base64.b64encode(each.encode("utf-8", "surrogatepass")).decode() for each in coded)]
    for form in sorted(forms, key=len, reverse=True):
        words = words.replace(form, "…")
    return words
