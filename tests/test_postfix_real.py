"""Outgoing mail against a real Postfix: TLS, sign-in, refusals, and a handoff that arrives as it was composed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from socialtriage.domain.errors import MailDeferred, MailRefused
from socialtriage.domain.models import Urgency, Visibility, Voice
from socialtriage.mail.address import Mailbox, ServerUrl
from socialtriage.mail.compose import Attachment, HandoffMail, QuotedMessage, compose_handoff, message_id
from socialtriage.mail.mime import Composed
from socialtriage.mail.smtp import SmtpSender
from tests.doubles.postfix import RealPostfix, missing, need_real
from tests.doubles.tls import Authority

pytestmark = pytest.mark.real_mail

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PASSWORD = "cyfrinach ŵ ~ 'hunter2'"
HOSTILE = "From the start\nFrom here\n.\n..\n.QUIT\r\n\x00\x1b[31m \ud800 \u202e 👩‍👩‍👧 ŵ\n" + "x" * 5000 + "\nend  \n"


@dataclass(frozen=True)
class Office:
    """The council's mail server, and who vouches for it."""

    postfix: RealPostfix
    authority: Authority

    def sender(
        self,
        *,
        password: str = PASSWORD,
        user: str | None = "social@anytown.example",
        authority: Authority | None = None,
        implicit_tls: bool = False,
        host: str = "127.0.0.1",
    ) -> SmtpSender:
        """A sender as the configuration would make it."""
        url = ServerUrl.parse(self.postfix.url(user, implicit_tls=implicit_tls, host=host))
        return SmtpSender(url, lambda: password, ca_file=str((authority or self.authority).ca_file))

    def arrived(self, identity: str) -> EmailMessage:
        """The one delivered mail with this Message-ID, as soon as it is there."""
        known = len(self.postfix.wait_for(1))
        while True:
            found = [
                mail
                for raw in self.postfix.wait_for(known)
                if (mail := message_from_bytes(raw, policy=policy.default))["Message-ID"] == identity
            ]
            if found:
                assert len(found) == 1
                return found[0]
            known += 1


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    need_real(missing())
    authority = Authority(tmp_path_factory.mktemp("ca"))
    certificate = authority.issue("mail", ("127.0.0.1", "mail.anytown.example"))
    with RealPostfix(certificate, {"social@anytown.example": PASSWORD}) as postfix:
        yield Office(postfix, authority)


def handoff(key: str, **changes: object) -> Composed:
    """A handoff with everything that could go wrong on its way."""
    mail = HandoffMail(
        ref="ABC-7Q4K2M",
        message_id=message_id("ABC-7Q4K2M", key, "anytown.example"),
        sender=Mailbox("social@anytown.example", 'Desg gymdeithasol Ynys Môn, "Anytown"'),
        to=Mailbox("waste@anytown.example", "Gwasanaethau gwastraff Ŵyl; timau casglu ac ailgylchu"),
        organisation="Anytown Borough Council",
        officer="JS",
        area="Bins and recycling",
        area_id="waste",
        urgency=Urgency.EMERGENCY,
        network="Mastodon",
        account="council-mastodon",
        visibility=Visibility.PUBLIC,
        person="A Resident",
        messages=(QuotedMessage(Voice.RESIDENT, "A Resident", NOON, HOSTILE),),
        note=HOSTILE,
        url="https://example.social/@resident/1",
        received_at=NOON,
        expected_at=NOON + timedelta(hours=1),
        date=NOON,
        zone=ZoneInfo("Europe/London"),
        attachments=(Attachment("llun ŵyl.jpg", "image/jpeg", bytes(range(256)) * 4000),),
    )
    return compose_handoff(replace(mail, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("implicit_tls", [False, True], ids=["starttls", "smtps"])
def test_a_handoff_arrives_as_the_preview_showed_it(office: Office, implicit_tls: bool) -> None:
    composed = handoff(f"arrives-{implicit_tls}")
    assert "queued as" in office.sender(implicit_tls=implicit_tls).send(composed)
    mail = office.arrived(composed.message_id)
    assert mail["Subject"] == composed.subject
    assert [len(mail.get_all(name, [])) for name in ("From", "To", "Subject", "Message-ID", "Date", "Bcc")] == [
        *(1, 1, 1, 1, 1),
        0,
    ]
    assert mail["Return-Path"] == "<social@anytown.example>"
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert plain.get_content() == composed.text
    assert rich.get_content() == composed.html
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "llun ŵyl.jpg"
    assert attached.get_payload(decode=True) == bytes(range(256)) * 4000
    assert [part.defects for part in mail.walk() if part.defects] == []


def test_a_check_signs_in_and_leaves_nothing_behind(office: Office) -> None:
    before = office.postfix.delivered()
    assert office.sender().verify().endswith("answers, TLSv1.3, signed in as social@anytown.example")
    assert office.postfix.delivered() == before


def test_a_wrong_password_is_refused_with_the_remedy(office: Office) -> None:
    with pytest.raises(MailRefused, match=r"did not accept the sign-in of social@anytown\.example: 535") as caught:
        office.sender(password="hunter2").send(handoff("wrong-password"))
    assert "accounts login mail.smtp" in caught.value.hint
    assert "hunter2" not in str(caught.value)


def test_without_a_sign_in_the_server_relays_nothing(office: Office) -> None:
    with pytest.raises(MailRefused, match="554"):
        office.sender(user=None).send(handoff("no-sign-in"))


def test_a_certificate_of_another_authority_stops_it(office: Office, tmp_path: Path) -> None:
    with pytest.raises(MailDeferred, match=r"cannot be trusted: .*self-signed"):
        office.sender(authority=Authority(tmp_path)).verify()


def test_a_certificate_of_another_host_stops_it(office: Office) -> None:
    with pytest.raises(MailDeferred, match="cannot be trusted: Hostname mismatch"):
        office.sender(host="localhost").verify()


@pytest.mark.parametrize("implicit_tls", [False, True], ids=["starttls", "smtps"])
def test_an_expired_certificate_stops_it_until_it_is_renewed(office: Office, implicit_tls: bool) -> None:
    office.postfix.show_certificate(office.authority.issue("old", ("127.0.0.1",), expired=True))
    try:
        with pytest.raises(MailDeferred, match="certificate has expired"):
            office.sender(implicit_tls=implicit_tls).verify()
    finally:
        office.postfix.show_certificate(office.authority.issue("renewed", ("127.0.0.1",)))
    office.sender(implicit_tls=implicit_tls).verify()


def test_the_servers_no_and_not_now_are_told_apart(office: Office) -> None:
    office.postfix.answer("gone@anytown.example", "550 5.1.1 Moved to highways")
    office.postfix.answer("full@anytown.example", "452 4.2.2 Mailbox full")
    gone = handoff("gone", to=Mailbox("gone@anytown.example"))
    full = handoff("full", to=Mailbox("full@anytown.example"))
    with pytest.raises(MailRefused, match=r"refuses gone@anytown\.example: 550 5\.1\.1 .*Moved to highways"):
        office.sender().send(gone)
    with pytest.raises(MailDeferred, match=r"full@anytown\.example: 452 4\.2\.2 .*Mailbox full"):
        office.sender().send(full)
    identities = [message_from_bytes(raw, policy=policy.default)["Message-ID"] for raw in office.postfix.delivered()]
    assert gone.message_id not in identities
    assert full.message_id not in identities


def test_an_address_beyond_ascii_is_carried_by_smtputf8(office: Office) -> None:
    composed = handoff("smtputf8", to=Mailbox.parse("Gŵyn <gŵyn@bücher.example>"))
    office.sender().send(composed)
    mail = office.arrived(composed.message_id)
    assert mail["Subject"] == composed.subject


def test_a_mail_over_the_servers_limit_is_not_offered(office: Office) -> None:
    huge = replace(handoff("huge"), data=b"Subject: x\r\n\r\n" + b"y" * 26_000_000)
    with pytest.raises(MailRefused, match=r"takes mails of up to 24414 kB"):
        office.sender().send(huge)


def test_a_server_that_went_away_is_tried_again(office: Office, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with RealPostfix(authority.issue(), {"social": "x"}) as postfix:
        url = ServerUrl.parse(postfix.url("social"))
    gone = SmtpSender(url, lambda: "x", ca_file=str(authority.ca_file))
    with pytest.raises(MailDeferred, match="refused"):
        gone.send(handoff("gone-away"))


def test_real_servers_are_not_skipped_where_ci_promised_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOCIALTRIAGE_REQUIRE_REAL", raising=False)
    need_real(None)
    with pytest.raises(pytest.skip.Exception, match="not installed: postconf"):
        need_real("not installed: postconf")
    monkeypatch.setenv("SOCIALTRIAGE_REQUIRE_REAL", "1")
    with pytest.raises(pytest.fail.Exception, match="real servers are required: not installed: postconf"):
        need_real("not installed: postconf")
