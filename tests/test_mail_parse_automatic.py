"""Bounces, automatic answers and bulk mail, and what they say."""

from __future__ import annotations

from datetime import date

import pytest

from socialtriage.domain.models import Automatic
from socialtriage.mail.absence import away_until
from socialtriage.mail.parse import ParsedMail, parse

DSN = b"""Return-Path: <>
From: MAILER-DAEMON@mail.anytown.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"
Message-Id: <bounce@mail.anytown.example>

--b
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.anytown.example
X-Postfix-Sender: rfc822; social@anytown.example

Final-Recipient: rfc822; wast@contractor.example
Original-Recipient: rfc822;wast@contractor.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.contractor.example
Diagnostic-Code: smtp; 550 5.1.1 <wast@contractor.example>: Recipient address
    rejected: User unknown

Final-Recipient: rfc822; deputy@contractor.example
Action: delayed
Status: 4.4.1

--b
Content-Type: message/rfc822

From: social@anytown.example
Message-ID: <handoff-1@anytown.example>
Subject: [ABC-7Q4K2M] Missed bin

The text
--b--
"""

QMAIL = b"""Return-Path: <>
From: MAILER-DAEMON@mx.contractor.example
Subject: failure notice

Hi. This is the qmail-send program at mx.contractor.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<wast@contractor.example>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <social@anytown.example>
Message-ID: <handoff-1@anytown.example>
Subject: [ABC-7Q4K2M] Missed bin

text
"""

EXIM = b"""Return-Path: <>
X-Failed-Recipients: wast@contractor.example
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.example>
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  wast@contractor.example
    host mx.contractor.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<wast@contractor.example>:
    550 Unrouteable address

------ This is a copy of the message, including all the headers. ------

Message-Id: <handoff-1@anytown.example>
"""

EXCHANGE = b"""From: System Administrator <postmaster@contractor.example>
Subject: Undeliverable: [ABC-7Q4K2M] Missed bin
In-Reply-To: <handoff-1@anytown.example>

Your message did not reach some or all of the intended recipients.

      Subject:  [ABC-7Q4K2M] Missed bin
      Sent:     11/23/2026 10:00 AM

The following recipient(s) could not be reached:

      'wast@contractor.example' on 11/23/2026 10:01 AM
            The e-mail account does not exist at the organization this message was sent to.
            <mail.contractor.example #5.1.1>
"""


@pytest.mark.parametrize("raw", [DSN, QMAIL, EXIM, EXCHANGE], ids=["postfix", "qmail", "exim", "exchange"])
def test_bounces_of_every_make(raw: bytes) -> None:
    parsed = parse(raw)
    assert parsed.automatic is Automatic.BOUNCE
    assert parsed.bounce is not None
    assert parsed.bounce.failed
    assert parsed.bounce.original_message_id == "<handoff-1@anytown.example>"
    first = parsed.bounce.recipients[0]
    assert (first.address, first.action) == ("wast@contractor.example", "failed")
    assert first.status.startswith("5.")
    assert first.diagnostic
    assert parsed.bounce.why.startswith("wast@contractor.example: 5.")


def test_a_report_names_every_recipient_and_keeps_the_returned_mail() -> None:
    parsed = parse(DSN)
    assert parsed.bounce is not None
    assert [(r.address, r.action, r.status) for r in parsed.bounce.recipients] == [
        ("wast@contractor.example", "failed", "5.1.1"),
        ("deputy@contractor.example", "delayed", "4.4.1"),
    ]
    assert "User unknown" in parsed.bounce.recipients[0].diagnostic
    assert [file.mime for file in parsed.attachments] == ["message/rfc822"]
    assert parsed.null_sender


def test_a_delay_is_no_failure() -> None:
    parsed = parse(DSN.replace(b"Action: failed", b"Action: delayed").replace(b"Status: 5.1.1", b"Status: 4.2.1"))
    assert parsed.bounce is not None
    assert not parsed.bounce.failed


def test_headers_alone_are_enough_to_find_the_original() -> None:
    parsed = parse(DSN.replace(b"Content-Type: message/rfc822", b"Content-Type: text/rfc822-headers"))
    assert parsed.bounce is not None
    assert parsed.bounce.original_message_id == "<handoff-1@anytown.example>"
    assert parsed.attachments == ()


def test_a_person_who_writes_about_a_failed_delivery_is_no_bounce() -> None:
    parsed = parse(b"From: Jo <jo@x.example>\nSubject: Delivery failed\n\nYour bin delivery failed to arrive.")
    assert parsed.automatic is None
    assert parsed.bounce is None


def reply(*headers: str, subject: str = "Re: [ABC-7Q4K2M] Missed bin", body: str = "") -> ParsedMail:
    head = "\n".join(
        [
            "From: Waste <waste@anytown.example>",
            "Date: Mon, 23 Nov 2026 10:00:00 +0000",
            f"Subject: {subject}",
            *headers,
        ]
    )
    return parse(f"{head}\n\n{body}".encode())


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-replied (vacation)",
        "X-Autoreply: yes",
        "X-Autorespond: holiday",
        "Precedence: auto_reply",
        "Return-Path: <>",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
    ],
)
def test_automatic_answers_by_their_headers(header: str) -> None:
    assert reply(header).automatic is Automatic.AUTO_REPLY


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: [ABC-7Q4K2M] Missed bin",
        "Out of Office: Missed bin",
        "Out of office",
        "Out of Office AutoReply: Missed bin",
        "Auto-reply: Missed bin",
        "Ateb Awtomatig: Bin heb ei gasglu",
        "Allan o'r swyddfa: Bin",
        "Réponse automatique : bac",
        "Automatische Antwort: Tonne",
        "Abwesenheitsnotiz",
        "Automatisch antwoord: bak",
        "Respuesta automática: cubo",
    ],
)
def test_automatic_answers_by_their_subject(subject: str) -> None:
    assert reply(subject=subject).automatic is Automatic.AUTO_REPLY


@pytest.mark.parametrize(
    "subject", ["Out of office hours noise", "Automatic reply times at the crossing", "Auto theft", "Re: bins"]
)
def test_subjects_that_people_write(subject: str) -> None:
    assert reply(subject=subject).automatic is None
    assert reply("Auto-Submitted: no", subject=subject).automatic is None


@pytest.mark.parametrize(
    "header",
    [
        "List-Id: <all.anytown.example>",
        "Precedence: bulk",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
    ],
)
def test_bulk_mail(header: str) -> None:
    assert reply(header).automatic is Automatic.BULK


SENT = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("I am away until Monday 30 November 2026.", date(2026, 11, 30)),
        ("I will be back on 30/11/26", date(2026, 11, 30)),
        ("returning to the office on 1st December", date(2026, 12, 1)),
        ("I'll be out till Jan 3rd", date(2027, 1, 3)),
        ("I return Monday, January 4, 2027", date(2027, 1, 4)),
        ("Back 2026-12-01", date(2026, 12, 1)),
        ("Rydw i allan o'r swyddfa tan ddydd Llun 30 Tachwedd", date(2026, 11, 30)),
        ("Rwyf i ffwrdd tan 3 Rhagfyr 2026", date(2026, 12, 3)),
        ("Je suis absent jusqu'au 5 décembre 2026", date(2026, 12, 5)),
        ("Ich bin bis zum 4.12.2026 nicht im Büro", date(2026, 12, 4)),
        ("Ik ben afwezig tot en met 6 december", date(2026, 12, 6)),
        ("Estaré fuera hasta el 7 de diciembre de 2026", date(2026, 12, 7)),
        ("away until further notice", None),
        ("until 99/99", None),
        ("I was away until 1 November 2026", None),
        ("call us on 30/11/26", None),
    ],
)
def test_until_when_somebody_is_away(text: str, until: date | None) -> None:
    assert away_until(text, SENT) == until


def test_an_absence_note_carries_its_date() -> None:
    assert reply("Auto-Submitted: auto-replied", body="I am back on 30 November.").away_until == date(2026, 11, 30)
    assert reply(body="I am back on 30 November.").away_until is None
