"""Reading mail: headers, charsets, texts, attachments, as they really arrive."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from socialtriage.mail.address import Mailbox
from socialtriage.mail.charset import decode, header_text, transfer_decode
from socialtriage.mail.compose import ReplyMail, compose_reply_mail
from socialtriage.mail.fields import addresses, authentication, message_ids, moment
from socialtriage.mail.parse import ParsedMail, parse, parse_partial


def mail(*headers: str | bytes, body: str | bytes = "Hello") -> ParsedMail:
    """A mail of these header lines and this body, parsed."""
    lines = [line if isinstance(line, bytes) else line.encode("utf-8") for line in headers]
    return parse(b"\r\n".join(lines) + b"\r\n\r\n" + (body if isinstance(body, bytes) else body.encode("utf-8")))


# --- headers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b"=?utf-8?Q?Caf=C3=A9?=", "Café"),
        (b"=?utf-8?q?Caf=C3?= =?utf-8?q?=A9?=", "Café"),
        (b"=?UTF-8?B?8J+YgA==?=\r\n =?UTF-8?B?IGhp?=", "😀 hi"),
        (b"=?utf-8*cy?q?Si=C3=B4n?= of =?iso-8859-1?q?Caf=E9?=", "Siôn of Café"),
        (b"=?windows-1252?Q?It=92s?= here", "It’s here"),
        (b"=?iso-8859-1?Q?It=92s?=", "It’s"),
        (b"=?gb2312?B?xOO6ww==?=", "你好"),
        (b"=?koi8-r?B?8NLJ18XU?=", "Привет"),
        (b"=?iso-2022-jp?B?GyRCJDMkcyRLJEEkTxsoQg==?=", "こんにちは"),
        (b"=?utf-8?q?two words?=", "two words"),
        (b"raw caf\xe9", "raw café"),
        ("raw café".encode(), "raw café"),
        (b"=?utf-7?q?+ADw-b+AD4-?=", "+ADw-b+AD4-"),
        (b"=?x-nonsense?q?plain?=", "plain"),
        (b"=?utf-8?q?unfinished", "=?utf-8?q?unfinished"),
        (b"folded\r\n\tvalue", "folded value"),
        (b"", ""),
    ],
)
def test_header_text(raw: bytes, wanted: str) -> None:
    assert header_text(raw) == wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b'A <a@x.example>, "B, C" <b@x.example>', [("a@x.example", "A"), ("b@x.example", "B, C")]),
        (b"=?utf-8?q?Si=C3=A2n=2C_Mrs?= <sian@x.example>", [("sian@x.example", "Siân, Mrs")]),
        (
            b"=?utf-8?q?Chief_=3Cchief=40council=2Eexample=3E?= <e@bad.example>",
            [("e@bad.example", "Chief <chief@council.example>")],
        ),
        (b"undisclosed-recipients:;", []),
        (
            b'Team: a@x.example, "B" <b@x.example>; c@x.example (Cee)',
            [("a@x.example", ""), ("b@x.example", "B"), ("c@x.example", "Cee")],
        ),
        (b"alice@example.org)bob@example.com", [("", "alice@example.org)bob@example.com")]),
        (b'"council@anytown.example" <e@bad.example>', [("e@bad.example", "council@anytown.example")]),
        (b"John Smith john@x.example", [("john@x.example", "John Smith")]),
        (b"john @ x.example", [("john@x.example", "")]),
        (b"M\xfcller <m@x.example>", [("m@x.example", "Müller")]),
        (b"<@relay.example:u@x.example>", [("u@x.example", "")]),
        (b"a@b@c.example", [("", "a@b@c.example")]),
        (b"Nobody <>", [("", "Nobody")]),
        (b"", []),
        (b"(((", []),
    ],
)
def test_addresses(raw: bytes, wanted: list[tuple[str, str]]) -> None:
    assert [(one.address, one.name) for one in addresses(raw)] == wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("Mon, 23 Nov 2026 10:00:00 +0100", datetime(2026, 11, 23, 9, tzinfo=UTC)),
        ("23 Nov 98 10:00:00 EST", datetime(1998, 11, 23, 15, tzinfo=UTC)),
        ("Mon, 23 Nov 2026 10:00:00 -0000 (GMT)", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("2026-11-23T10:00:00Z", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("Mon, 99 Nov 2026 10:00:00 +0000", None),
        ("Mon, 23 Nov 2026 10:00:00 +9999999", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates(raw: str, wanted: datetime | None) -> None:
    assert moment(raw) == wanted


def test_message_ids_are_found_in_what_servers_make_of_them() -> None:
    assert message_ids(b"<a@x.example>\r\n <long\r\n .id@x.example> <a@x.example>") == (
        "<a@x.example>",
        "<long.id@x.example>",
    )
    assert message_ids(b"bare.id@x.example") == ("<bare.id@x.example>",)
    assert message_ids(b"Your message of Monday") == ()


def test_a_mail_without_id_and_date_is_still_the_same_mail_each_time() -> None:
    first, again = mail("From: a@x.example"), mail("From: a@x.example")
    other = mail("From: a@x.example", body="Something else")
    assert not first.has_id
    assert first.date is None
    assert first.message_id == again.message_id != other.message_id
    assert first.thread == first.message_id


def test_the_fingerprint_ignores_what_servers_add_and_sees_what_the_sender_wrote() -> None:
    headers = ("From: a@x.example", "Message-ID: <1@x.example>", "Subject: Bins")
    first = mail(*headers)
    second = mail("Received: from a by b; Mon, 23 Nov 2026 10:00:00 +0000", "X-Spam: no", *headers, body="Hello\r\n")
    other = mail(*headers, body="Another mail under the same id")
    assert first.fingerprint == second.fingerprint
    assert first.message_id == other.message_id
    assert first.fingerprint != other.fingerprint


def test_thread_root_and_references() -> None:
    later = mail("Message-ID: <3@x>", "In-Reply-To: <2@x>", "References: <1@x> <2@x>")
    assert (later.thread, later.references) == ("<1@x>", ("<1@x>", "<2@x>"))
    without = mail("Message-ID: <3@x>", "In-Reply-To: <2@x>")
    assert (without.thread, without.references) == ("<2@x>", ("<2@x>",))


def test_author_and_where_to_answer() -> None:
    several = mail(
        "From: Jo <jo@x.example>, Al <al@x.example>", "Sender: al@x.example", "Reply-To: Both <both@x.example>"
    )
    assert several.author is not None
    assert several.answer_to is not None
    assert (several.author.key, several.answer_to.key) == ("jo@x.example", "both@x.example")
    nameless = mail("From: Somebody", "Sender: Desk <Desk@X.example>")
    assert nameless.author is not None
    assert nameless.author.key == "desk@x.example"
    assert mail("Subject: x").author is None


def test_eight_bit_headers_and_garbage_between_them() -> None:
    parsed = mail(
        "From postmaster Mon Nov 23 10:00:00 2026",
        b"From: Ren\xe9e <r@x.example>",
        "garbage without a colon",
        "Subject: Bac o sbwriel heb ei gasglu – Stryd Fawr",
        "message-id : <1@x>",
    )
    assert parsed.from_[0].name == "Renée"
    assert parsed.subject == "Bac o sbwriel heb ei gasglu – Stryd Fawr"
    assert parsed.message_id == "<1@x>"


def test_text_that_is_no_mail_is_body() -> None:
    assert parse(b"just some words\nand more").body == "just some words\nand more"
    assert parse(b"\n\nbody only").body == "body only"
    assert parse(b"Subject: cr only\rFrom: a@x.example\r\rHello\rthere").body == "Hello\nthere"


def test_controls_in_headers_never_reach_a_terminal() -> None:
    parsed = mail(
        "From: =?utf-8?q?=1B]0;owned=07_Eve?= <e@x.example>",
        "Subject: =?utf-8?b?G1szMW1yZWQ=?=\u202e",
        b"Message-ID: <\x1b[1m@x>",
    )
    assert all(
        char.isprintable() for text in (parsed.subject, parsed.from_[0].name, parsed.message_id) for char in text
    )


def test_authentication_results() -> None:
    one = authentication(
        "mx.anytown.example; spf=pass (sender ok) smtp.mailfrom=x; dkim=fail header.d=a; dkim=pass header.d=b;"
        " dmarc=fail (p=none dis=none) header.from=Bad.Example"
    )
    assert (one.server, one.spf, one.dkim, one.dmarc, one.header_from) == (
        "mx.anytown.example", "pass", "pass", "fail", "bad.example",
    )  # fmt: skip
    assert one.failed
    microsoft = authentication("spf=fail (sender IP is 192.0.2.1) smtp.mailfrom=x.example; dkim=none; dmarc=none")
    assert (microsoft.server, microsoft.spf) == ("", "fail")
    assert not authentication("mx; none").failed


# --- texts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "label", "wanted"),
    [
        (b"caf\xe9 \x93quoted\x94", "iso-8859-1", "café “quoted”"),
        ("café".encode(), "iso-8859-1", "café"),
        ("café".encode(), "us-ascii", "café"),
        (b"caf\xe9", "utf-8", "café"),
        ("naïve café".encode() + b"\xc3", "utf-8", "naïve café\ufffd"),
        (b"caf\xe9", "unknown-8bit", "café"),
        (b"caf\xe9", None, "café"),
        ("Привет".encode("koi8-r"), "KOI8-R", "Привет"),
        ("你好".encode("gb18030"), "gb2312", "你好"),
        ("€".encode("gb18030"), "gb2312", "€"),
        (b"\x1b$B$3$s\x1b(B", "iso-2022-jp", "こん"),
        (b"+AGE-", "utf-7", "+AGE-"),
        (b"+AGE-", "unicode-1-1-utf-7", "+AGE-"),
        (b"uryyb", "rot13", "uryyb"),
        (b"\\u0041", "unicode_escape", "\\u0041"),
        (b"x", "'Windows-1252'", "x"),
        ("hi".encode("utf-16"), "utf-16", "hi"),
        (b"\xef\xbb\xbfbom", "utf-8", "bom"),
        ("안녕".encode("cp949"), "ks_c_5601-1987", "안녕"),
    ],
)
def test_charsets(data: bytes, label: str | None, wanted: str) -> None:
    assert decode(data, label) == wanted


def test_transfer_encodings_that_are_broken() -> None:
    assert transfer_decode(b"aGVsbG8", "base64") == b"hello"
    assert transfer_decode(b"aGVs*bG8h\r\n=", "BASE64") == b"hello!"
    assert transfer_decode(b"aGVsbG8=\n-- \nA list footer", "base64", text=True) == b"hello\n\n-- \nA list footer"
    assert transfer_decode(b"This was never encoded.", "base64", text=True) == b"This was never encoded."
    assert transfer_decode(b"a=3Db=\r\nc =ZZ", "quoted-printable") == b"a=bc =ZZ"
    assert transfer_decode(b"begin 644 x\n#0V%T\n`\nend\n", "x-uuencode").startswith(b"begin 644")


def test_html_only_mail_is_shown_as_text() -> None:
    parsed = mail(
        "Content-Type: text/html; charset=utf-8", body="<p>My <b>bin</b> was missed</p><script>alert(1)</script>"
    )
    assert parsed.body == "My bin was missed"


def test_html_says_its_own_charset() -> None:
    parsed = mail("Content-Type: text/html", body=b'<meta charset="windows-1251"><p>\xcf\xf0\xe8\xe2\xe5\xf2</p>')
    assert parsed.body == "Привет"


@pytest.mark.parametrize(
    "plain", ["", "   \n", "Please view this email in your browser", "Your mail client does not support HTML."]
)
def test_an_empty_plain_alternative_gives_way_to_html(plain: str) -> None:
    message = EmailMessage()
    message.set_content(plain)
    message.add_alternative("<p>The street light is out on High Street again.</p>", subtype="html")
    assert parse(message.as_bytes()).body == "The street light is out on High Street again."


def test_a_plain_alternative_that_speaks_wins() -> None:
    message = EmailMessage()
    message.set_content("How do I view my council tax bill online? Yours, Jo")
    message.add_alternative(
        "<p>How do I view my <b>council tax</b> bill online? Yours, Jo</p><img alt='Jo Smith, Baker of High Street'>",
        subtype="html",
    )
    assert parse(message.as_bytes()).body == "How do I view my council tax bill online? Yours, Jo"


def test_texts_around_pictures_are_all_kept() -> None:
    message = EmailMessage()
    message.set_content("Before the picture")
    message.add_attachment(
        b"\x89PNG fake", maintype="image", subtype="png", filename="hole.png", disposition="inline", cid="<p1>"
    )
    message.add_attachment("After the picture\n", subtype="plain", disposition="inline")
    parsed = parse(message.as_bytes())
    assert parsed.body == "Before the picture\n\nAfter the picture"
    (picture,) = parsed.attachments
    assert (picture.name, picture.kind, picture.inline, picture.content_id) == ("hole.png", "image", True, "p1")
    assert picture.data == b"\x89PNG fake"


def test_flowed_text_becomes_paragraphs() -> None:
    body = "This is one \r\nparagraph.\r\n> quoted \r\n> words\r\n-- \r\nJo \r\nSmith"
    parsed = mail("Content-Type: text/plain; format=flowed", body=body)
    assert parsed.body == "This is one paragraph."
    assert "> quoted words" in parsed.quoted
    assert "-- \nJo Smith" in parsed.quoted
    japanese = mail("Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes", body="長い \r\n文")
    assert japanese.body == "長い文"


def test_a_mail_from_1998() -> None:
    parsed = mail(
        "From: webmaster@anytown.example (The Webmaster)",
        "X-Mailer: Mozilla 4.05 [en] (Win95; I)",
        "Date: Mon, 23 Nov 98 9:05:00 GMT",
        "Content-Type: text/plain; charset=x-user-defined",
        "Content-Transfer-Encoding: 8bit",
        body=b"Dear Sir,\r\nthe caf\xe9's \x80 sign",
    )
    assert parsed.from_[0].name == "The Webmaster"
    assert parsed.date == datetime(1998, 11, 23, 9, 5, tzinfo=UTC)
    assert parsed.body == "Dear Sir,\nthe café's € sign"


# --- attachments --------------------------------------------------------------------------------------------


def test_names_of_attachments_in_every_spelling() -> None:
    def named(disposition: str, kind: str = "application/pdf") -> str:
        parsed = mail(
            "Content-Type: multipart/mixed; boundary=b",
            body=f"--b\n\ntext\n--b\nContent-Type: {kind}\nContent-Disposition: {disposition}\n\nx\n--b--",
        )
        return parsed.attachments[0].name

    assert named('attachment; filename="bill.pdf"') == "bill.pdf"
    assert named("attachment; filename=bill.pdf; size=3") == "bill.pdf"
    assert named("attachment; filename*=utf-8''tre%20gan%C5%B5.pdf") == "tre ganŵ.pdf"
    assert named("attachment; filename*0*=utf-8''long%20; filename*1=name; filename*2=.pdf") == "long name.pdf"
    assert named('attachment; filename="=?utf-8?q?b=C3=A0n.pdf?="') == "bàn.pdf"
    assert named("attachment", 'application/pdf; name="from type.pdf"') == "from type.pdf"
    assert named('attachment; filename="..\\\\..\\\\etc/passwd"') == "passwd"
    assert named("attachment") == "file-2"
    assert named("attachment; filename=" + "x" * 500 + ".pdf").endswith("….pdf")


def test_a_forwarded_mail_is_a_file_whose_text_is_there() -> None:
    inner = EmailMessage()
    inner["From"] = "Resident <r@x.example>"
    inner["Subject"] = "Pothole"
    inner.set_content("It is deep.")
    outer = EmailMessage()
    outer["Subject"] = "see attached"
    outer.set_content("Please see below")
    outer.add_attachment(inner)
    parsed = parse(outer.as_bytes())
    (file,) = parsed.attachments
    assert (file.name, file.mime) == ("Pothole.eml", "message/rfc822")
    assert file.text == "From: Resident <r@x.example>\nSubject: Pothole\n\nIt is deep."
    assert file.data is not None
    assert parse(file.data).body == "It is deep."
    assert parsed.body == "Please see below"


def test_a_forward_without_words_shows_what_was_forwarded() -> None:
    inner = EmailMessage()
    inner["Subject"] = "Pothole"
    inner.set_content("It is deep.")
    outer = EmailMessage()
    outer.add_attachment(inner)
    assert parse(outer.as_bytes()).body == "Subject: Pothole\n\nIt is deep."


def test_winmail_dat_signatures_and_encrypted_mail() -> None:
    message = EmailMessage()
    message.set_content("Hello")
    message.add_attachment(b"\x78\x9f\x3e\x22", maintype="application", subtype="ms-tnef", filename="winmail.dat")
    assert [file.name for file in parse(message.as_bytes()).attachments] == ["winmail.dat"]
    encrypted = mail(
        'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b',
        body="--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n"
        "--b\nContent-Type: application/octet-stream\n\nxx\n--b--",
    )
    assert "encrypted" in encrypted.body
    assert len(encrypted.attachments) == 1


def test_multiparts_that_are_broken() -> None:
    no_end = mail("Content-Type: multipart/mixed; boundary=b", body="preamble\n--b\n\nfirst\n--b\n\nsecond")
    assert no_end.body == "first\n\nsecond"
    no_boundary = mail("Content-Type: multipart/mixed", body="--guess\n\nfirst\n--guess--\nepilogue")
    assert no_boundary.body == "first"
    no_parts = mail("Content-Type: multipart/mixed; boundary=zzz", body="only words")
    assert no_parts.body == "only words"
    prefix = mail("Content-Type: multipart/mixed; boundary=b", body="--b\n\none\n--bb\nstill one\n--b--")
    assert prefix.body == "one\n--bb\nstill one"


def test_bombs_are_bounded() -> None:
    deep = b"From: a@x.example\r\n"
    for level in range(2000):
        deep += b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
    parsed = parse(deep + b"\r\nbottom")
    assert parsed.notices
    wide = mail("Content-Type: multipart/mixed; boundary=b", body="--b\r\n\r\nx\r\n" * 100_000)
    assert wide.notices
    assert len(wide.body) < 1000
    nested = b"the innermost"
    for _ in range(50):
        nested = b"Content-Type: message/rfc822\r\n\r\n" + nested
    assert parse(nested).attachments[0].text is not None


def test_a_file_above_the_limit_is_named_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socialtriage.mail.content.MAX_FILE_BYTES", 10)
    message = EmailMessage()
    message.set_content("Hello")
    message.add_attachment(b"x" * 11, maintype="video", subtype="mp4", filename="street.mp4")
    parsed = parse(message.as_bytes())
    assert parsed.attachments[0].too_large
    assert parsed.attachments[0].size == 11
    assert "street.mp4" in parsed.notices[0]


def test_what_the_desk_writes_is_read_back() -> None:
    written = compose_reply_mail(
        ReplyMail(
            message_id="<answer-1@anytown.example>",
            sender=Mailbox("social@anytown.example", "Desg Gymdeithasol Trefŵyr"),
            to=Mailbox("r@x.example", "Siân"),
            subject="Bin heb ei gasglu – Stryd Fawr",
            text="Diolch.\n\nByddwn yn dod ddydd Iau.\nFrom the depot, that is.",
            references=("<1@x.example>", "<2@x.example>"),
            ref="ABC-7Q4K2M",
            date=datetime(2026, 11, 23, 10, tzinfo=UTC),
            zone=UTC,
        )
    )
    parsed = parse(written.data)
    assert parsed.message_id == "<answer-1@anytown.example>"
    assert (parsed.from_[0].name, parsed.to[0].name) == ("Desg Gymdeithasol Trefŵyr", "Siân")
    assert (parsed.thread, parsed.references) == ("<1@x.example>", ("<1@x.example>", "<2@x.example>"))
    assert "Bin heb ei gasglu – Stryd Fawr" in parsed.subject
    assert "ABC-7Q4K2M" in parsed.subject
    assert parsed.text.startswith("Diolch.\n\nByddwn yn dod ddydd Iau.\nFrom the depot, that is.")
    assert parsed.automatic is None


def test_a_mail_fetched_in_part_reads_like_the_whole() -> None:
    message = EmailMessage()
    message["From"] = "a@x.example"
    message["Message-ID"] = "<1@x.example>"
    message["Subject"] = "Film of the flood"
    message.set_content("See the film: café")
    message.add_attachment(b"x" * 1000, maintype="video", subtype="mp4", filename="film.mp4")
    header = message.as_bytes().partition(b"\n\n")[0] + b"\n\n"
    text = base64.b64encode("See the film: café\n".encode("latin-1"))
    partial = parse_partial(header, "text/plain; charset=iso-8859-1", "base64", text, ())
    assert (partial.body, partial.subject, partial.message_id) == (
        "See the film: café",
        "Film of the flood",
        "<1@x.example>",
    )
    assert partial == parse_partial(header, "text/plain; charset=iso-8859-1", "base64", text, ())
