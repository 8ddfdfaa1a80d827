"""The `imap` channel against a real Dovecot: what only a real server can prove.

Skipped where Dovecot is not installed, unless SOCIALTRIAGE_REQUIRE_REAL=1 says that it must be.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from socialtriage.domain.errors import AuthError, Misconfigured, Unavailable
from socialtriage.domain.models import Automatic, MediaState
from socialtriage.mail import walk
from tests.doubles.dovecot import RealDovecot, missing
from tests.doubles.imap_reader import Reader, letter

pytestmark = pytest.mark.real_mail

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def require_dovecot() -> None:
    """Skip, or fail where real servers are asked for."""
    why = missing()
    if why and os.environ.get("SOCIALTRIAGE_REQUIRE_REAL") == "1":
        pytest.fail(why)
    if why:
        pytest.skip(why)


@pytest.fixture(scope="module")
def shared(require_dovecot: None) -> Iterator[tuple[RealDovecot, Iterator[str]]]:
    """One server for all stories here, and a user with empty mailboxes for each."""
    users = [f"social{number}@anytown.example" for number in range(30)]
    with RealDovecot(dict.fromkeys(users, "correct horse")) as server:
        yield server, iter(users)


@pytest.fixture
def dovecot(shared: tuple[RealDovecot, Iterator[str]]) -> RealDovecot:
    """A running server, with empty mailboxes."""
    server, users = shared
    server.user = next(users)
    return server


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect again at once."""
    monkeypatch.setattr("socialtriage.channels.imap.PAUSE", 0.0)


def reader_of(server: RealDovecot, **options: object) -> Reader:
    """Over TLS, trusting the server's authority."""
    return Reader(server.url, user=server.user, ca_file=server.ca_file, now=datetime.now(UTC), **options)  # type: ignore[arg-type]


def test_a_day_of_mail(dovecot: RealDovecot) -> None:
    reader = reader_of(dovecot)
    assert reader.read() == []
    dovecot.deliver(letter(1))
    dovecot.deliver(b"From: Ren\xe9e <r@x.example>\nSubject: Stra\xdfe caf\xe9\n\nRoh: caf\xe9")
    dovecot.deliver(letter(3, Message_ID="", Date=""))
    dovecot.deliver(letter("ours", From=dovecot.user, References="<1@x.example>"), "Sent")
    new = {str(item.subject): item for item in reader.read()}
    assert set(new) == {"Mail 1", "Straße café", "Mail 3", "Mail ours"}
    assert (new["Straße café"].author.name, new["Straße café"].text) == ("Renée", "Roh: café")
    assert (new["Mail ours"].own, new["Mail ours"].thread) == (True, "<1@x.example>")
    assert abs(new["Mail 3"].at - datetime.now(UTC)) < timedelta(minutes=1)
    assert reader.read() == []
    assert not any("Seen" in flags for box in ("INBOX", "Sent") for flags in dovecot.flags(box))


def test_one_message_id_twice(dovecot: RealDovecot) -> None:
    dovecot.deliver(letter(1, body="one"))
    dovecot.deliver(letter(1, body="two"))
    dovecot.deliver(letter(1, body="one"))
    reader = reader_of(dovecot)
    reader.read()
    assert sorted(item.text for item in reader.kept.values()) == ["one", "two"]


def test_the_look_back_goes_by_arrival(dovecot: RealDovecot) -> None:
    for days in (30, 8, 6, 0):
        dovecot.deliver(letter(days), arrived=(NOW - timedelta(days=days)).timestamp())
    reader = reader_of(dovecot)
    reader.read()
    assert reader.subjects == ["Mail 0", "Mail 6"]
    dovecot.deliver(letter(9), arrived=(NOW - timedelta(days=90)).timestamp())
    assert [item.subject for item in reader.read()] == ["Mail 9"]


@pytest.mark.parametrize("value", [7, 2_000_000_000])
def test_new_uidvalidity_up_and_down(dovecot: RealDovecot, value: int) -> None:
    reader = reader_of(dovecot)
    for number in range(4):
        dovecot.deliver(letter(number))
    reader.read()
    dovecot.deliver(letter("new"))
    dovecot.set_uidvalidity(value)
    assert [item.subject for item in reader.read()] == ["Mail new"]
    assert reader.read() == []
    assert len(reader.kept) == 5


def test_uidvalidity_changes_in_the_middle_of_a_walk(dovecot: RealDovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_MAILS", 2)
    for number in range(7):
        dovecot.deliver(letter(number))
    reader = reader_of(dovecot)

    async def story() -> None:
        channel = reader.channel()
        pages = 0
        async for page in channel.fetch(None, NOW - timedelta(days=7)):
            reader.kept.update({item.remote_id: item for item in page.items})
            pages += 1
            if pages == 2:
                await asyncio.to_thread(dovecot.set_uidvalidity, 5)
        await channel.aclose()

    asyncio.run(story())
    assert len(reader.kept) == 7


def test_expunged_mail_is_no_deletion(dovecot: RealDovecot) -> None:
    reader = reader_of(dovecot)
    for number in range(3):
        dovecot.deliver(letter(number))
    reader.read()
    dovecot.expunge("uid", "1:2")
    dovecot.deliver(letter(4))
    assert [item.subject for item in reader.read()] == ["Mail 4"]
    assert len(reader.kept) == 4


def test_a_restart_in_the_middle_of_a_walk(dovecot: RealDovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_MAILS", 2)
    for number in range(7):
        dovecot.deliver(letter(number))
    reader = reader_of(dovecot)

    async def story() -> None:
        channel = reader.channel()
        pages = 0
        async for page in channel.fetch(None, NOW - timedelta(days=7)):
            reader.kept.update({item.remote_id: item for item in page.items})
            reader.handed_in += [item.remote_id for item in page.items]
            pages += 1
            if pages == 1:
                await asyncio.to_thread(dovecot.restart)
        await channel.aclose()

    asyncio.run(story())
    assert len(reader.kept) == len(reader.handed_in) == 7


def test_a_kill_after_each_page_and_a_server_that_was_away(
    dovecot: RealDovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "MAX_MAILS", 2)
    for number in range(5):
        dovecot.deliver(letter(number))
    for stop_after in range(1, 5):
        reader = reader_of(dovecot)
        reader.read(stop_after=stop_after)
        dovecot.stop()
        with pytest.raises(Unavailable):
            reader.read()
        dovecot.start()
        reader.read()
        assert len(reader.kept) == len(reader.handed_in) == 5


def test_passwords_and_mailboxes(dovecot: RealDovecot) -> None:
    with pytest.raises(AuthError, match="did not accept the sign-in"):
        reader_of(dovecot, password="wrong").read()
    dovecot.set_password('new "pass\\word" £')
    assert reader_of(dovecot, password='new "pass\\word" £').read() == []
    dovecot.set_password("correct horse")
    dovecot.deliver(letter(1), "Enquiries")
    assert len(reader_of(dovecot, mailbox="Enquiries").read()) == 1
    with pytest.raises(Misconfigured, match="There are: Enquiries"):
        reader_of(dovecot, mailbox="Enquirys").read()


def test_how_the_line_is_secured(dovecot: RealDovecot) -> None:
    dovecot.deliver(letter(1))
    assert "TLSv1" in reader_of(dovecot).check().detail
    starttls = Reader(dovecot.starttls_url, user=dovecot.user, ca_file=dovecot.ca_file)
    assert "by STARTTLS" in starttls.check().detail
    with pytest.raises(Unavailable, match="cannot be trusted"):
        Reader(dovecot.url).check()
    with pytest.raises((Misconfigured, Unavailable)):
        Reader(dovecot.starttls_url.replace("imap://", "imaps://"), ca_file=dovecot.ca_file).check()


def test_plain_text_on_loopback_alone(require_dovecot: None) -> None:
    with RealDovecot(tls=False) as server:
        server.deliver(letter(1))
        reader = Reader(server.plain_url, now=datetime.now(UTC))
        assert len(reader.read()) == 1
        assert "plain text on this machine" in reader.check().detail


def test_a_mail_above_the_limit(dovecot: RealDovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "HEAVY_BYTES", 10_000)
    monkeypatch.setattr(walk, "MAX_MAIL_BYTES", 20_000)
    body = (
        "From: r@x.example\nSubject: Film\nMessage-ID: <film@x.example>\nMIME-Version: 1.0\n"
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=c\n\n"
        "--c\nContent-Type: text/plain; charset=iso-8859-15\nContent-Transfer-Encoding: quoted-printable\n\n"
        "The caf=E9 =A4\n"
        "--c\nContent-Type: text/html\n\n<p>rich</p>\n--c--\n"
        "--b\nContent-Type: video/mp4\nContent-Disposition: attachment; filename*=utf-8''llif%C5%B5.mp4\n"
        f"Content-Transfer-Encoding: base64\n\n{'QUJD' * 19}\n" + f"{'QUJD' * 19}\n" * 600 + "--b--\n"
    )
    dovecot.deliver(body.encode())
    (film,) = reader_of(dovecot).read()
    assert film.text == "The café €"
    assert [(media.name, media.state) for media in film.media] == [("llifŵ.mp4", MediaState.TOO_LARGE)]


def test_bounces_and_automatic_answers(dovecot: RealDovecot) -> None:
    dovecot.deliver(letter(1, Return_Path="<>", From="MAILER-DAEMON@x.example", Subject="Delivery failure"))
    dovecot.deliver(letter(2, Auto_Submitted="auto-replied", Subject="Automatic reply: x"))
    assert [item.automatic for item in reader_of(dovecot).read()] == [Automatic.BOUNCE, Automatic.AUTO_REPLY]


def test_hundreds_of_mails(dovecot: RealDovecot) -> None:
    for number in range(300):
        dovecot.deliver(letter(number))
    reader = reader_of(dovecot)
    while len(reader.kept) < 300:
        reader.read(stop_after=2)
    assert len(reader.handed_in) == 300
    assert reader.read() == []
