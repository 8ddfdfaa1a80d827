"""The `imap` channel against a scripted server: nothing lost, nothing twice, whatever the server does."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from socialtriage.channels.imap import Imap
from socialtriage.domain.errors import AuthError, BadPayload, ChannelError, Misconfigured, NotPermitted, Unavailable
from socialtriage.domain.models import Author, Automatic, MediaState, OutgoingReply, SafeText, StoredRef, Visibility
from socialtriage.mail import walk
from tests.doubles.imap import Connection, ImapDouble
from tests.doubles.imap_reader import NOW, Reader, letter
from tests.doubles.tls import Authority


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect again at once."""
    monkeypatch.setattr("socialtriage.channels.imap.PAUSE", 0.0)


DAY = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


# --- the ordinary day ---------------------------------------------------------------------------------------


def test_new_mail_is_read_once_and_nothing_is_changed() -> None:
    with ImapDouble() as server:
        reader = Reader(server.url)
        server.deliver(letter(1))
        (first,) = reader.read()
        assert (first.author.key, first.author.name, first.subject) == ("resident1@x.example", "Resident", "Mail 1")
        assert (first.visibility, first.own, first.thread) == (Visibility.PRIVATE, False, "<1@x.example>")
        assert first.at == datetime(2026, 11, 20, 8, 59, tzinfo=UTC)
        assert first.reply_data == {"message_id": "<1@x.example>", "reply_to": "resident1@x.example"}
        assert reader.read() == []
        server.deliver(letter(2))
        assert [item.subject for item in reader.read()] == ["Mail 2"]
        assert reader.handed_in == list(reader.kept)
        assert not [line for line in server.commands if line.startswith(("SELECT", "STORE", "UID STORE", "APPEND"))]
        assert not [line for line in server.commands if "BODY[" in line or "RFC822]" in line]


def test_the_first_look_back_is_bounded_and_exact() -> None:
    with ImapDouble() as server:
        for hours in (24 * 30, 24 * 7 + 1, 24 * 7 - 1, 1):
            server.deliver(letter(hours), arrived=NOW - timedelta(hours=hours))
        reader = Reader(server.url)
        reader.read()
        assert reader.subjects == ["Mail 1", "Mail 167"]
        reader.read()
        assert reader.subjects == ["Mail 1", "Mail 167"]


def test_an_old_mail_that_is_moved_in_later_is_read() -> None:
    with ImapDouble() as server:
        reader = Reader(server.url)
        reader.read()
        server.deliver(letter(1), arrived=NOW - timedelta(days=300))
        assert len(reader.read()) == 1


def test_an_empty_mailbox_and_one_that_is_emptied() -> None:
    with ImapDouble() as server:
        reader = Reader(server.url)
        assert reader.read() == []
        uid = server.deliver(letter(1))
        server.expunge(uid)
        assert reader.read() == []
        server.deliver(letter(2))
        assert len(reader.read()) == 1


def test_mail_that_becomes_visible_below_others_is_found() -> None:
    with ImapDouble() as server:
        reader = Reader(server.url)
        server.deliver(letter(1))
        late = server.deliver(letter(2), hidden=True)
        server.deliver(letter(3))
        reader.read()
        assert reader.subjects == ["Mail 1", "Mail 3"]
        server.show(late)
        assert [item.subject for item in reader.read()] == ["Mail 2"]
        assert reader.read() == []


def test_many_mails_come_in_pages_that_can_be_taken_up_after_any() -> None:
    with ImapDouble() as server:
        for number in range(130):
            server.deliver(letter(number))
        reader = Reader(server.url)
        passes = 0
        while len(reader.kept) < 130:
            reader.read(stop_after=1)
            passes += 1
        assert passes == 3
        assert len(reader.handed_in) == 130


def test_a_page_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_BATCH_BYTES", 3000)
    with ImapDouble() as server:
        for number in range(6):
            server.deliver(letter(number, body="x" * 1000))
        reader = Reader(server.url)
        reader.read()
        assert len(reader.kept) == 6
        assert reader.pages >= 3


# --- identity -----------------------------------------------------------------------------------------------


def test_two_mails_with_one_message_id_are_both_kept_and_one_mail_twice_is_one() -> None:
    with ImapDouble() as server:
        server.deliver(letter(1, body="The first"))
        server.deliver(letter(1, body="Another one, under the same id"))
        server.deliver(b"Received: by another way; Fri, 20 Nov 2026 08:59:30 +0000\r\n" + letter(1, body="The first"))
        reader = Reader(server.url)
        reader.read()
        assert sorted(item.text for item in reader.kept.values()) == ["Another one, under the same id", "The first"]


def test_mails_without_id_date_or_sender() -> None:
    with ImapDouble() as server:
        server.deliver(letter(1, Message_ID="", Date="", From=""))
        server.deliver(letter(2, Message_ID="", Date="", From="", Subject="Another"))
        reader = Reader(server.url)
        items = reader.read()
        assert len({item.author.key for item in items}) == 2
        assert {item.at for item in items} == {DAY}
        assert all(item.reply_data == {} for item in items)
        assert reader.read() == []


@pytest.mark.parametrize(("reverse", "value"), [(False, 2000), (True, 5), (False, 1)])
def test_new_uids_for_every_mail_lose_nothing_and_double_nothing(reverse: bool, value: int) -> None:
    with ImapDouble() as server:
        reader = Reader(server.url)
        for number in range(5):
            server.deliver(letter(number))
        reader.read()
        server.deliver(letter("new"))
        server.renumber(value, reverse=reverse)
        assert [item.subject for item in reader.read()] == ["Mail new"]
        assert reader.read() == []
        assert len(reader.kept) == 6


def test_a_restored_backup_that_hands_uids_out_again() -> None:
    with ImapDouble() as server:
        reader = Reader(server.url)
        for number in range(5):
            server.deliver(letter(number))
        reader.read()
        server.expunge(3, 4, 5)
        server.boxes["INBOX"].uidnext = 3
        server.deliver(letter("new"))
        assert [item.subject for item in reader.read()] == ["Mail new"]
        assert reader.read() == []


def test_after_new_uids_an_outage_longer_than_the_look_back_is_filled() -> None:
    with ImapDouble() as server:
        reader = Reader(server.url)
        server.deliver(letter(1))
        reader.read()
        server.deliver(letter(2), arrived=DAY + timedelta(days=3))
        server.renumber(7)
        reader.now = NOW + timedelta(days=60)
        assert [item.subject for item in reader.read()] == ["Mail 2"]


def test_uids_change_in_the_middle_of_a_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_MAILS", 3)
    with ImapDouble() as server:
        for number in range(9):
            server.deliver(letter(number))

        def renumber(connection: Connection) -> None:
            server.renumber(3, reverse=True, cut=False)
            connection.cut()

        server.on("UID FETCH", renumber, nth=5)
        reader = Reader(server.url)
        reader.read()
        assert len(reader.kept) == 9


# --- threads, and mail of our own ---------------------------------------------------------------------------


def test_an_answer_written_elsewhere_attaches() -> None:
    with ImapDouble() as server:
        server.deliver(letter(1))
        server.deliver(
            letter("ours", From="social@anytown.example", To="resident1@x.example", In_Reply_To="<1@x.example>"), "Sent"
        )
        server.deliver(letter("handoff", From="social@anytown.example", To="waste@anytown.example"), "Sent")
        reader = Reader(server.url)
        reader.read()
        by_subject = {str(item.subject): item for item in reader.kept.values()}
        assert set(by_subject) == {"Mail 1", "Mail ours"}
        ours = by_subject["Mail ours"]
        assert (ours.own, ours.thread, ours.remote_id) == (True, "<1@x.example>", "<ours@x.example>")
        assert ours.place == "Sent"
        assert reader.read() == []


def test_a_copy_of_our_own_mail_in_the_inbox_is_the_same_message() -> None:
    with ImapDouble() as server:
        ours = letter("ours", From="Desk <Social@Anytown.example>", References="<1@x.example>")
        server.deliver(ours, "Sent")
        server.deliver(b"Received: by list; Fri, 20 Nov 2026 08:59:30 +0000\r\n" + ours + b"\r\nA footer\r\n")
        reader = Reader(server.url)
        reader.read()
        assert list(reader.kept) == ["<ours@x.example>"]


@pytest.mark.parametrize("own", ["handle", "user", "mail.from"])
def test_whose_mail_is_ours(own: str) -> None:
    with ImapDouble({"box": "correct horse", "social@anytown.example": "correct horse"}) as server:
        server.deliver(letter(1, From="desk@anytown.example"))
        server.deliver(letter(2, From="social@anytown.example"))
        reader = Reader(
            server.url,
            user="social@anytown.example" if own == "user" else "box",
            handle="desk@anytown.example" if own == "handle" else None,
            own=("desk@anytown.example",) if own == "mail.from" else (),
        )
        ours = {str(item.subject) for item in reader.read() if item.own}
        assert ours == ({"Mail 2"} if own == "user" else {"Mail 1"})


def test_a_forged_mail_in_our_name_is_not_ours() -> None:
    with ImapDouble() as server:
        verdict = "mx.anytown.example; spf=fail; dkim=none; dmarc=fail header.from=anytown.example"
        server.deliver(letter(1, From="social@anytown.example", Authentication_Results=verdict))
        (item,) = Reader(server.url).read()
        assert not item.own


def test_a_web_form_is_the_words_of_who_filled_it_in() -> None:
    with ImapDouble() as server:
        server.deliver(letter(1, From="social@anytown.example", Reply_To="Jo <jo@x.example>"))
        server.deliver(
            letter(2, From="forms@anytown.example", Reply_To="al@x.example", Auto_Submitted="auto-generated")
        )
        server.deliver(letter(3, From="news@shop.example", Reply_To="help@shop.example", List_Unsubscribe="<x:y>"))
        items = {str(item.subject): item for item in Reader(server.url).read()}
        assert items["Mail 1"].author == Author("jo@x.example", SafeText("jo@x.example"), SafeText("Jo"))
        assert not items["Mail 1"].own
        assert (items["Mail 2"].author.key, items["Mail 2"].automatic) == ("al@x.example", None)
        assert (items["Mail 3"].author.key, items["Mail 3"].automatic) == ("news@shop.example", Automatic.BULK)


def test_a_mailbox_that_is_a_list_gets_no_bulk_mail_from_people() -> None:
    with ImapDouble() as server:
        server.deliver(letter(1, List_Id="Desk <social.anytown.example>", Precedence="list"))
        server.deliver(letter(2, List_Id="<news.shop.example>", Precedence="list"))
        assert [item.automatic for item in Reader(server.url).read()] == [None, Automatic.BULK]


def test_a_thread_that_lost_its_references_is_found_by_our_own_mail() -> None:
    with ImapDouble() as server:
        reader = Reader(server.url)
        server.deliver(letter(1))
        server.deliver(letter("ours", From="social@anytown.example", References="<1@x.example>"), "Sent")
        reader.read()
        server.deliver(letter(3, In_Reply_To="<ours@x.example>"))
        (answer,) = reader.read()
        assert answer.thread == "<1@x.example>"
        assert answer.references == ("<ours@x.example>",)


def test_automatic_mail_is_marked() -> None:
    with ImapDouble() as server:
        server.deliver(letter(1, Auto_Submitted="auto-replied"))
        server.deliver(letter(2, From="MAILER-DAEMON@x.example", Subject="Undelivered Mail Returned to Sender"))
        assert [item.automatic for item in Reader(server.url).read()] == [Automatic.AUTO_REPLY, Automatic.BOUNCE]


def test_quoted_history_copies_and_attachments() -> None:
    message = EmailMessage()
    message["From"] = "r@x.example"
    message["To"] = "Social@anytown.example, ward@x.example"
    message["Cc"] = "ward@x.example, press@x.example"
    message.set_content("Here it is.\n\nOn 1 Nov 2026 10:00, Desk wrote:\n> send a photo")
    message.add_attachment(b"jpeg", maintype="image", subtype="jpeg", filename="hole.jpg")
    with ImapDouble() as server:
        server.deliver(message.as_bytes())
        (item,) = Reader(server.url).read()
    assert item.text == "Here it is."
    assert item.quoted is not None
    assert "send a photo" in item.quoted
    assert item.also_to == ("ward@x.example", "press@x.example")
    (photo,) = item.media
    assert (photo.kind, photo.name, photo.mime, photo.data) == ("image", "hole.jpg", "image/jpeg", b"jpeg")


@pytest.mark.parametrize(
    ("date", "received", "at"),
    [
        ("Fri, 20 Nov 2026 08:59:00 +0000", "", datetime(2026, 11, 20, 8, 59, tzinfo=UTC)),
        ("Fri, 01 Jan 2010 00:00:00 +0000", "", DAY),
        ("Fri, 20 Nov 2099 08:59:00 +0000", "", DAY),
        ("", "by mx; Thu, 19 Nov 2026 10:00:00 +0000", datetime(2026, 11, 19, 10, tzinfo=UTC)),
        (
            "Thu, 19 Nov 2026 09:00:00 +0000",
            "by mx; Thu, 19 Nov 2026 10:00:00 +0000",
            datetime(2026, 11, 19, 9, tzinfo=UTC),
        ),
        ("", "by mx; Thu, 19 Nov 2099 10:00:00 +0000", DAY),
    ],
)
def test_when_a_mail_was_written(date: str, received: str, at: datetime) -> None:
    with ImapDouble() as server:
        server.deliver(letter(1, Date=date, Received=received))
        (item,) = Reader(server.url).read()
        assert item.at == at


# --- large and unreadable mails -----------------------------------------------------------------------------


def film(size: int) -> bytes:
    message = EmailMessage()
    message["From"] = "r@x.example"
    message["Subject"] = "Film"
    message["Message-ID"] = "<film@x.example>"
    message.set_content("See the film: café", cte="base64")
    message.add_attachment(b"x" * size, maintype="video", subtype="mp4", filename="flood.mp4")
    return message.as_bytes()


def test_of_a_mail_above_the_limit_text_and_names_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "HEAVY_BYTES", 10_000)
    monkeypatch.setattr(walk, "MAX_MAIL_BYTES", 20_000)
    with ImapDouble() as server:
        server.deliver(film(50_000))
        server.deliver(letter(2))
        reader = Reader(server.url)
        items = {str(item.subject): item for item in reader.read()}
        assert items["Film"].text == "See the film: café"
        (video,) = items["Film"].media
        assert (video.name, video.kind, video.state, video.data) == ("flood.mp4", "video", MediaState.TOO_LARGE, None)
        assert any("flood.mp4" in notice for notice in reader.notices)
        assert "Mail 2" in items
        assert not any(line.startswith("UID FETCH 1 ") and line.endswith("(BODY.PEEK[])") for line in server.commands)


def test_a_heavy_mail_that_never_comes_through_is_read_without_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "HEAVY_BYTES", 10_000)
    with ImapDouble() as server:
        server.deliver(film(50_000))

        def broken_line(connection: Connection, line: str) -> bool:
            if not line.upper().startswith("UID FETCH 1 (BODY.PEEK[])"):
                return False
            connection.cut()
            return True

        server.faults.append(broken_line)
        reader = Reader(server.url)
        for _ in range(2):
            with pytest.raises(Unavailable):
                reader.read()
        (item,) = reader.read()
        assert item.media[0].state is MediaState.TOO_LARGE


def test_a_heavy_mail_that_comes_through_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "HEAVY_BYTES", 10_000)
    with ImapDouble() as server:
        server.deliver(film(50_000))
        server.deliver(letter(2))
        reader = Reader(server.url)
        items = {str(item.subject): item for item in reader.read()}
        assert items["Film"].media[0].data == b"x" * 50_000
        assert len(items) == 2


def test_one_mail_that_the_server_cannot_give_holds_up_no_other() -> None:
    with ImapDouble() as server:
        for number in range(3):
            server.deliver(letter(number))

        def broken(connection: Connection, line: str) -> bool:
            which = line.split()[2].split(",") if line.upper().startswith("UID FETCH") else []
            return "2" in which and "BODY.PEEK[]" in line and connection.answer("NO [SERVERBUG] Corrupted")

        server.faults.append(broken)
        reader = Reader(server.url)
        reader.read()
        assert reader.subjects == ["Mail 0", "Mail 2"]
        assert any("could not be read" in notice for notice in reader.notices)
        server.faults.clear()
        assert [item.subject for item in reader.read()] == ["Mail 1"]


def test_a_mail_that_vanishes_between_two_commands_is_passed_over() -> None:
    with ImapDouble() as server:
        server.deliver(letter(1))
        server.deliver(letter(2))
        server.on("UID FETCH 1:2 (RFC822.SIZE", lambda _: None)
        server.on("UID FETCH 1,2 (BODY", lambda _: server.expunge(1))
        reader = Reader(server.url)
        reader.read()
        assert reader.subjects == ["Mail 2"]
        assert reader.read() == []
        assert reader.notices == []


# --- lost connections, other errors -------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["EXAMINE", "UID SEARCH", "UID FETCH", "LIST", "LOGIN"])
def test_a_connection_lost_once_costs_nothing(command: str) -> None:
    with ImapDouble() as server:
        for number in range(3):
            server.deliver(letter(number))
        server.on(command, lambda connection: connection.cut())
        reader = Reader(server.url)
        reader.read()
        assert len(reader.kept) == len(reader.handed_in) == 3


def test_a_server_that_is_down_is_said_to_be() -> None:
    with ImapDouble() as server:
        reader = Reader(server.url)
        server.deliver(letter(1))
    with pytest.raises(Unavailable, match="takes no connections"):
        reader.read()


def test_each_kill_after_a_page_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_MAILS", 2)
    with ImapDouble() as server:
        for number in range(7):
            server.deliver(letter(number))
            server.deliver(letter(f"ours{number}", From="social@anytown.example", References="<1@x.example>"), "Sent")
        for stop_after in range(1, 10):
            reader = Reader(server.url)
            reader.read(stop_after=stop_after)
            reader.read()
            assert len(reader.kept) == len(reader.handed_in) == 14


def test_a_page_that_was_not_committed_comes_again() -> None:
    with ImapDouble() as server:
        server.deliver(letter(1))
        reader = Reader(server.url)
        reader.read()
        before = reader.cursor
        server.deliver(letter(2))
        first = reader.read()
        reader.cursor, reader.kept = before, {}
        assert reader.read() == first


def test_a_cursor_of_another_make_means_reading_again() -> None:
    with ImapDouble() as server:
        server.deliver(letter(1))
        for cursor in ("", "nonsense", "[]", '{"version": 9}', '{"version": 1, "boxes": {"INBOX": {"top": "x"}}}'):
            reader = Reader(server.url, cursor=cursor)
            assert len(reader.read()) == 1


def test_a_wrong_password_and_a_missing_mailbox() -> None:
    with ImapDouble() as server:
        with pytest.raises(AuthError, match="did not accept the sign-in of social@anytown") as refused:
            Reader(server.url, password="s3cret wrong").read()
        assert "s3cret" not in str(refused.value)
        server.boxes["Incoming/Web forms"] = server.boxes["Drafts"]
        with pytest.raises(Misconfigured, match=r"There is no mailbox Incoming/Webforms .* Incoming/Web forms"):
            Reader(server.url, mailbox="Incoming/Webforms").read()


def test_sent_mail_that_cannot_be_opened_stops_nothing() -> None:
    with ImapDouble() as server:
        server.deliver(letter(1))
        server.on('EXAMINE "Sent"', lambda connection: connection.answer("NO [NOPERM] Permission denied"))
        reader = Reader(server.url)
        assert len(reader.read()) == 1
        assert any("elsewhere" in notice for notice in reader.notices)


def test_another_mailbox_can_be_the_one_that_is_read() -> None:
    with ImapDouble() as server:
        server.deliver(letter(1), "Council/Enquiries & more")
        for reader in (
            Reader(server.url, mailbox="Council/Enquiries & more"),
            Reader(f"{server.url}/Council/Enquiries%20&%20more"),
        ):
            (item,) = reader.read()
            assert item.place == "Council/Enquiries & more"


@pytest.mark.parametrize(
    "nonsense", [b"* 1 FETCH (UID\r\n", b"\xff\xfe\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"* SEARCH x y\r\n"]
)
@pytest.mark.parametrize("command", ["UID SEARCH", "UID FETCH", "EXAMINE"])
def test_nonsense_is_an_error_in_words(nonsense: bytes, command: str) -> None:
    with ImapDouble() as server:
        server.deliver(letter(1))

        def garble(connection: Connection, line: str) -> bool:
            if not line.startswith(command):
                return False
            connection.send(nonsense)
            return connection.answer("OK done")

        server.faults.append(garble)
        reader = Reader(server.url)
        error: ChannelError | None = None
        try:
            reader.read()
        except ChannelError as exc:
            error = exc
        assert error is None or isinstance(error, BadPayload | Unavailable)
        assert error is None or error.message.endswith(".")
        server.faults.clear()
        reader.read()
        assert len(reader.kept) == 1


def test_a_greeting_that_is_none() -> None:
    with ImapDouble() as server:
        server.accept = False
        with pytest.raises(Unavailable):
            Reader(server.url).read()


# --- security of the connection -----------------------------------------------------------------------------


def test_tls_starttls_and_who_is_trusted(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    for implicit in (True, False):
        with ImapDouble(authority=authority, implicit=implicit) as server:
            server.deliver(letter(1))
            assert len(Reader(server.url, ca_file=authority.ca_file).read()) == 1
            with pytest.raises(Unavailable, match="cannot be trusted"):
                Reader(server.url, ca_file=stranger.ca_file).read()
            with pytest.raises(Misconfigured, match="ca_file"):
                Reader(server.url, ca_file=tmp_path / "missing.pem").read()
            assert not any(
                line.startswith("LOGIN") for line in server.commands[3:] if "STARTTLS" not in server.commands
            )


def test_health_says_how_the_line_is_secured(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with ImapDouble(authority=authority) as server:
        server.deliver(letter(1))
        health = Reader(server.url, ca_file=authority.ca_file).check()
        assert "TLSv1.3 by STARTTLS" in health.detail
        assert "INBOX holds 1 mail" in health.detail
        assert (health.identity, health.notices, health.expires_at) == ("social@anytown.example", (), None)
    with ImapDouble() as server:
        del server.boxes["Sent"]
        health = Reader(server.url).check()
        assert "plain text on this machine" in health.detail
        assert "elsewhere" in health.notices[0]


def test_tls_spoken_to_a_port_without_it() -> None:
    with ImapDouble() as server, pytest.raises((Misconfigured, Unavailable)):
        Reader(server.url.replace("imap://", "imaps://")).read()


def test_servers_that_cannot_be_used() -> None:
    for server in (
        "",
        "smtp://mail.anytown.example",
        "https://mail.anytown.example",
        "imaps://user:pw@mail.anytown.example",
    ):
        with pytest.raises(Misconfigured) as refused:
            Reader(server).channel()
        assert "pw" not in str(refused.value)
    with pytest.raises(Misconfigured, match="no `user`"):
        Reader("mail.anytown.example", user="").channel()
    assert isinstance(Reader("mail.anytown.example").channel(), Imap)


# --- budget and ending --------------------------------------------------------------------------------------


def test_a_used_up_budget_ends_the_pass_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_MAILS", 1)
    with ImapDouble() as server:
        for number in range(4):
            server.deliver(letter(number))
        reader = Reader(server.url)
        reader.read(budget=0.5)
        assert reader.kept == {}
        assert reader.cursor is not None
        assert json.loads(reader.cursor)["boxes"]["INBOX"]["todo"] == "1:4"
        reader.read()
        assert len(reader.kept) == 4
        assert reader.requests > 4


def test_giving_up_on_a_server_that_stalls_takes_no_time() -> None:
    stalled, release = threading.Event(), threading.Event()

    def stall(_: Connection) -> None:
        stalled.set()
        release.wait(20)

    async def story(reader: Reader) -> float:
        task = asyncio.create_task(reader.poll())
        await asyncio.to_thread(stalled.wait, 10)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - started

    with ImapDouble() as server:
        server.deliver(letter(1))
        server.on("UID SEARCH", stall)
        took = asyncio.run(story(Reader(server.url)))
        release.set()
    assert took < 8


def test_what_a_mailbox_does_not_do() -> None:
    async def story() -> None:
        channel = Reader("mail.anytown.example").channel()
        parent = StoredRef("<1@x>", "<1@x>", None, Visibility.PRIVATE)
        to = Author("r@x.example", SafeText("r@x.example"), SafeText(""))
        reply = OutgoingReply("key", "Hello", Visibility.PRIVATE, to, parent, NOW)
        with pytest.raises(NotPermitted, match="smtp"):
            await channel.send(reply)
        with pytest.raises(NotPermitted):
            await channel.look_up(reply)
        assert (await channel.reread([parent])).gone == ()
        assert not channel.capabilities.reread
        assert not channel.capabilities.deletions
        assert channel.measure("Siân", Visibility.PRIVATE, "").used == 4
        await channel.aclose()
        await channel.aclose()

    asyncio.run(story())
