"""The whole loop through a real Postfix and a real Dovecot: out to the contact, back from them, on to the resident."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.doubles import dovecot
from tests.doubles.dovecot import RealDovecot
from tests.doubles.inside import Inside
from tests.doubles.mastodon import TOKEN, MastodonServer
from tests.doubles.postfix import RealPostfix, missing, need_real
from tests.doubles.shell import mastodon
from tests.doubles.tls import Authority

pytestmark = pytest.mark.real_mail

DESK, PASSWORD = "social@anytown.example", "correct horse"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[RealPostfix, RealDovecot, Path]]:
    """Both servers, and one file with the authorities of both."""
    need_real(missing())
    why = dovecot.missing()
    if why and os.environ.get("SOCIALTRIAGE_REQUIRE_REAL") == "1":
        pytest.fail(why)
    if why:
        pytest.skip(why)
    authority = Authority(tmp_path / "ca")
    certificate = authority.issue("mail", ("127.0.0.1", "mail.anytown.example"))
    with RealPostfix(certificate, {DESK: PASSWORD}) as postfix, RealDovecot({DESK: PASSWORD}) as box:
        both = tmp_path / "both.pem"
        both.write_text(Path(authority.ca_file).read_text() + Path(box.ca_file).read_text())
        yield postfix, box, both


def answer_to(handoff: EmailMessage, body: str) -> bytes:
    """What a colleague's mail program makes of it."""
    mail = EmailMessage()
    mail["From"], mail["To"] = str(handoff["To"]), str(handoff["Reply-To"])
    mail["Subject"] = f"RE: {handoff['Subject']}"
    mail["Message-ID"] = "<answer@anytown.example>"
    mail["In-Reply-To"] = mail["References"] = str(handoff["Message-ID"])
    plain = handoff.get_body(("plain",))
    assert plain is not None
    quoted = "\n".join(f"> {line}" for line in plain.get_content().splitlines())
    mail.set_content(f"{body}\n\nOn Monday, the desk wrote:\n{quoted}\n")
    return mail.as_bytes()


def test_out_and_back_and_on_to_the_resident(tmp_path: Path, servers: tuple[RealPostfix, RealDovecot, Path]) -> None:
    postfix, box, ca_file = servers
    user = DESK.replace("@", "%40")
    with MastodonServer() as network:
        shell = Inside(tmp_path, smtp=postfix.url(DESK), accounts=mastodon(network.url))
        imap = f"imaps://{user}@127.0.0.1:{box.tls_port}/INBOX"
        more = f'[mail]\nimap = "{imap}"\nca_file = "{ca_file}"'
        shell.config.write_text(shell.config.read_text().replace("[mail]", more, 1))
        for account, secret in (("town", TOKEN), ("mail.smtp", PASSWORD), ("mail.imap", PASSWORD)):
            shell.login(account, secret)
        network.mention("my bin was missed in Mill Lane", author="ada")
        first = [json.loads(line) for line in shell.ok("poll", "--once", "--json").out.splitlines()]
        assert {line["account"]: (line["state"], line["new"]) for line in first} == {
            "town": ("ok", 1),
            "mail.imap": ("ok", 0),
        }
        [case] = shell.ok("list", "--json").json
        ref = case["ref"]
        shell.ok("tag", ref, "--area", "waste")
        shell.ok("handoff", ref, "--note", "Please collect.")
        [raw] = postfix.wait_for(1)
        box.deliver(answer_to(message_from_bytes(raw, policy=policy.default), "Collected at ten."))

        shell.ok("poll", "--once")
        [told] = shell.ok("list", "--view", "tell", "--json").json
        assert (told["ref"], told["status"]) == (ref, "tell_resident")
        whole = shell.ok("show", ref, "--json").json
        # A mail's time has no parts of a second: in so quick a story it may stand before what it answers.
        assert ("contact", "Collected at ten.") in [(each["voice"], each["text"]) for each in whole["messages"]]
        assert whole["handoffs"][0]["state"] == "answered"
        assert whole["handoffs"][0]["answered_at"]
        assert box.flags() == [""] or not any("Seen" in flags for flags in box.flags())

        words = shell.ok("answers", "draft", ref).out
        assert words == "Collected at ten.\n"
        assert not [post for post in network.posts.values() if post.author is network.me]
        shell.ok("reply", ref, "-", stdin=words)
        [post] = [post for post in network.posts.values() if post.author is network.me]
        assert "Collected at ten." in post.text
        assert shell.ok("show", ref, "--json").json["status"] == "waiting_resident"
        [contact] = [each for each in shell.ok("contacts", "--json").json if each["id"] == "waste-team"]
        assert (contact["open_handoffs"], contact["median_answer"]) == (0, 0)
