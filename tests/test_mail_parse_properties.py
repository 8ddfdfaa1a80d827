"""Any bytes can arrive: parsing never fails, never lets a control through, and loses no line."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.policy import SMTP

from hypothesis import example, given
from hypothesis import strategies as st

from socialtriage.domain.text import clean
from socialtriage.mail.charset import decode, header_text, transfer_decode
from socialtriage.mail.fields import addresses, authentication, message_ids, moment
from socialtriage.mail.parse import ParsedMail, parse
from socialtriage.mail.quoting import split, unflow

UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def texts(mail: ParsedMail) -> list[str]:
    """Everything of a mail that may be shown."""
    people = [*mail.from_, *mail.reply_to, *mail.to, *mail.cc, *([mail.sender] if mail.sender else [])]
    out = [mail.subject, mail.body, mail.quoted, mail.message_id, *mail.references, *mail.in_reply_to, *mail.notices]
    out += [text for one in people for text in (one.address, one.name)]
    for file in mail.attachments:
        out += [file.name, file.mime, file.content_id or "", file.text or ""]
    for result in mail.authentication:
        out += [result.server, result.header_from]
    if mail.bounce:
        out += [mail.bounce.why, mail.bounce.original_message_id or ""]
        out += [
            text for one in mail.bounce.recipients for text in (one.address, one.action, one.status, one.diagnostic)
        ]
    return [str(text) for text in [*out, mail.list_id or "", mail.language or ""]]


def harmless(mail: ParsedMail) -> None:
    for text in texts(mail):
        assert not UNFIT.search(text)


@given(st.binary(max_size=2000))
@example(b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n")
@example(b"\r\n\r\n")
@example(b":\n")
def test_any_bytes(raw: bytes) -> None:
    harmless(parse(raw))


LINES = st.sampled_from(
    [
        "Content-Type: multipart/mixed; boundary=b",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        "Content-Type: multipart/alternative; boundary*0*=utf-8''b",
        "Content-Type: multipart/digest; boundary=\"b\"",
        "Content-Type: message/delivery-status",
        "Content-Type: message/rfc822",
        "Content-Type: text/html; charset=utf-16",
        "Content-Type: text/plain; charset=iso-2022-jp; format=flowed; delsp=yes",
        "Content-Type: text/plain; charset=\"",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: quoted-printable",
        "Content-Disposition: attachment; filename*0*=x'; filename*9=\"\\",
        "Content-ID: <\x1b]0;x\x07>",
        "From: =?utf-8?b?G1szMW0=?= <a@b",
        "To: \"\\\"\\\\, (((a@b.example",
        "Date: Mon, 31 Feb 2026 25:61:61 +9999",
        "Message-ID: <<>>",
        "References: <a@b><c@d> <\t>",
        "Authentication-Results: ;;;=dkim=pass\x1b[m",
        "Return-Path: <>",
        "X-Failed-Recipients: a@b.example, ,",
        "Subject: =?utf-8?q?=1B=5B2J?=",
        "Status: 5.1.1",
        "Final-Recipient: rfc822;a@b.example",
        "On Mon, 23 Nov 2026, a <a@b.example> wrote:",
        "From: a", "Sent: b", "> quoted", "-- ", "--b", "--b--", "", "", " folded", "\x9b31m", "\ud800",
        "<p style='display:none'>", "<blockquote>", "=E9=", "////", "begin 644 x",
    ]
)  # fmt: skip


@given(st.lists(LINES, max_size=40), st.sampled_from(["\n", "\r\n", "\r"]))
def test_mutated_mails(lines: list[str], newline: str) -> None:
    harmless(parse(newline.join(lines).encode("utf-8", "surrogatepass")))


@given(
    st.binary(max_size=300),
    st.sampled_from(["utf-8", "utf-16", "iso-2022-jp", "gb2312", "hz", "utf-7", "zlib", "idna", "", "x"]),
)
def test_charsets_and_encodings_never_raise(data: bytes, label: str) -> None:
    decode(data, label)
    header_text(b"=?" + label.encode() + b"?b?" + data + b"?=")
    for encoding in ("base64", "quoted-printable", "x-uuencode", "8bit", ""):
        transfer_decode(data, encoding)
        transfer_decode(data, encoding, text=True)


@given(st.binary(max_size=300))
def test_fields_never_raise(raw: bytes) -> None:
    addresses(raw)
    message_ids(raw)
    moment(raw)
    authentication(header_text(raw))


PRINTED = st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp", "Mn", "Me"])


@given(st.text(PRINTED, max_size=60), st.text(PRINTED, max_size=400), st.binary(max_size=200))
def test_what_is_composed_is_read_back(subject: str, body: str, attachment: bytes) -> None:
    message = EmailMessage(policy=SMTP)
    message["From"] = "resident@x.example"
    message["Subject"] = subject
    message["Message-ID"] = "<1@x.example>"
    message.set_content(body)
    message.add_attachment(attachment, maintype="application", subtype="octet-stream", filename="f.bin")
    parsed = parse(message.as_bytes())
    assert parsed.subject == clean(" ".join(subject.split()))
    assert " ".join(f"{parsed.body} {parsed.quoted}".split()) == " ".join(clean(body).split())
    assert parsed.attachments[0].data == attachment


HISTORY = [
    *("a", "", "> q", ">", "-- ", "--", "Sent from my phone", "From: x", "Sent: y", "Subject: z", "_" * 12),
    *("On 1 wrote:", "On 1 Jan 2026 x", "y wrote:", "-----Original Message-----", "Forwarded message:"),
]


@given(st.lists(st.sampled_from(HISTORY), max_size=30))
def test_each_line_is_on_exactly_one_side(lines: list[str]) -> None:
    body, quoted = split("\n".join(lines))
    kept = [line for line in [*body.split("\n"), *quoted.split("\n")] if line.strip()]
    assert sorted(kept) == sorted(line for line in lines if line.strip())
    assert bool(body.strip()) == any(line.strip() for line in lines)


@given(st.text(max_size=300))
def test_unflowing_loses_no_word(text: str) -> None:
    letters = re.sub(r"[\s>]", "", text)
    assert re.sub(r"[\s>]", "", unflow(text)) == letters
