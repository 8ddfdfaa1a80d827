"""Mail servers that drip, and that repeat what they were told in confidence."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest

from socialtriage.domain.errors import MailDeferred, MailError, MailUnknown
from socialtriage.mail.guard import Guard, hidden
from socialtriage.mail.smtp import SmtpSender

SECRET = 'pass\\word"x'


@dataclass(frozen=True)
class Mail:
    """As much of a mail as a sender needs."""

    sender: str = "social@anytown.example"
    recipients: tuple[str, ...] = ("waste@anytown.example",)
    data: bytes = b"Subject: one\r\n\r\nHello\r\n"


@contextmanager
def dripping(at: str) -> Iterator[int]:
    """A mail server that answers as it should until `at`, and then a byte at a time for ever."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def drip(wire: socket.socket) -> None:
        with suppress(OSError):
            while not over.wait(0.02):
                wire.sendall(b"x")

    def talk() -> None:
        with suppress(OSError):
            wire, _ = listener.accept()
            with wire, wire.makefile("rb") as lines:
                if at == "greeting":
                    return drip(wire)
                wire.sendall(b"220 here\r\n")
                for line in lines:
                    word = line[:4].strip().lower().decode()
                    if word == at or (at == "dot" and line == b".\r\n"):
                        return drip(wire)
                    if word == "data":
                        wire.sendall(b"354 go on\r\n")
                    elif word in ("ehlo", "mail", "rcpt"):
                        wire.sendall(b"250 yes\r\n")
        return None

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        listener.close()
        thread.join(5)


@pytest.mark.parametrize("at", ["greeting", "ehlo", "rcpt", "dot"])
def test_a_server_that_drips_its_answer_holds_the_outbox_up_for_a_bounded_time(at: str) -> None:
    with dripping(at) as port:
        sender = SmtpSender(f"smtp://127.0.0.1:{port}", lambda: None, timeout=5, data_timeout=5, patience=0.3)
        with pytest.raises(MailError) as caught:
            sender.send(Mail())
    assert isinstance(caught.value, MailUnknown if at == "dot" else MailDeferred)
    if at == "greeting":
        assert "took too long" in caught.value.message


def test_a_guard_whose_time_was_over_before_the_connection_cuts_it_at_once() -> None:
    here, there = socket.socketpair()
    with Guard(60) as guard:
        guard._end()
        guard.watch(here)
        assert there.recv(1) == b""
    here.close()
    there.close()


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        'pass\\\\word\\"x',
        base64.b64encode(f"\0ada\0{SECRET}".encode()).decode(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"user=ada\1auth=Bearer {SECRET}\1\1".encode()).decode(),
    ],
)
def test_a_server_that_repeats_the_sign_in_in_any_form_is_not_repeated(form: str) -> None:
    assert hidden(f"535 what is {form} for?", "ada", SECRET) == "535 what is … for?"
    assert hidden("535 no", "ada", "") == "535 no"
