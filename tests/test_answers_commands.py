"""What comes back from contacts, from the shell: poll, list, let in, ignore, remind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import keyring
import pytest

from socialtriage.cli.start import run
from tests.doubles.imap import PASSWORD, USER, ImapDouble
from tests.doubles.shell import BASE
from tests.doubles.smtp import SmtpDouble


@dataclass
class Desk:
    """The command line in this process: a process of its own for each command would cost seconds."""

    options: list[str]
    said: Callable[[], tuple[str, str]]
    imap: ImapDouble
    smtp: SmtpDouble

    def run(self, *args: str, status: int = 0) -> str:
        """What a command prints on standard output; on standard error where it must fail."""
        ended = run([*self.options, *args])
        out, err = self.said()
        assert ended == status, f"{args}: {ended}\n{out}\n{err}"
        return out if status == 0 else out + err

    def json(self, *args: str) -> Any:
        """The same as JSON."""
        return json.loads(self.run(*args, "--json"))

    def handed(self, text: str) -> tuple[str, str]:
        """A case that the waste team has: its reference and the Message-ID of the mail."""
        ref = self.json("new", "--person", "Mrs Price", "--text", text)["ref"]
        self.run("tag", ref, "--area", "waste")
        self.run("handoff", ref, "--expect", "2d")
        return ref, self.json("show", ref)["handoffs"][0]["message_id"]

    def mail(self, body: str, sender: str = "waste@anytown.example", **headers: str) -> None:
        """A mail lies in the mailbox."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, USER, headers.pop("Subject", "Re: bins")
        mail["Message-ID"] = f"<{len(self.imap.boxes['INBOX'].mails)}@anytown.example>"
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(body)
        self.imap.deliver(mail.as_bytes(), arrived=datetime.now(UTC))


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    def said() -> tuple[str, str]:
        captured = capsys.readouterr()
        return captured.out, captured.err

    with ImapDouble() as imap, SmtpDouble() as smtp:
        url = f"imap://{USER.replace('@', '%40')}@{imap.host}:{imap.port}/INBOX"
        config = tmp_path / "config.toml"
        config.write_text(BASE.format(smtp=smtp.url()).replace("[mail]", f'[mail]\nimap = "{url}"', 1))
        keyring.set_password("socialtriage", "mail.imap", PASSWORD)
        yield Desk(["--config", str(config), "--store", str(tmp_path / "desk.db")], said, imap, smtp)


def test_answers_are_polled_placed_and_passed_on(desk: Desk) -> None:
    ref, message_id = desk.handed("bin missed")
    other, _ = desk.handed("another bin missed")
    desk.mail("Collected.", In_Reply_To=message_id)
    desk.mail("Which one?", sender="jo@anytown.example", References=message_id)
    desk.mail("Hello", sender="x@evil.example")
    [line] = desk.run("poll", "--once", "--json").splitlines()
    assert {key: json.loads(line)[key] for key in ("account", "network", "state", "new", "updated", "error")} == {
        "account": "mail.imap",
        "network": "imap",
        "state": "ok",
        "new": 0,  # of residents' messages
        "updated": 0,
        "error": None,
    }
    assert [case["ref"] for case in desk.json("list", "--view", "tell")] == [ref]
    assert desk.run("answers", "draft", ref) == "Collected.\n"
    jo, stranger = desk.json("answers")
    assert (jo["from"], jo["ref"], jo["state"], jo["kind"]) == ("jo@anytown.example", ref, "undecided", "answer")
    assert "neither the contact nor a deputy" in desk.run("answers")
    desk.run("answers", "ignore", str(jo["id"]))
    assert "which case" in desk.run("answers", "accept", str(stranger["id"]), status=2)
    desk.run("answers", "accept", str(stranger["id"]), "--case", other.lower())
    assert desk.json("answers") == []
    assert [mail["state"] for mail in json.loads(desk.run("answers", "--all", "--json"))] == [
        "taken",
        "ignored",
        "taken",
    ]
    assert desk.run("answers", "accept", "999", status=1).startswith("There is no mail 999")
    [waste] = [contact for contact in desk.json("contacts") if contact["id"] == "waste-team"]
    assert (waste["open_handoffs"], waste["median_answer"]) == (0, 0)
    assert set(waste) >= {"id", "name", "email", "away_until", "deputy", "open_handoffs", "median_answer"}


def test_a_reminder_from_the_shell(desk: Desk) -> None:
    ref, message_id = desk.handed("bin missed")
    preview = desk.json("chase", ref, "--preview")
    assert (preview["number"], preview["in_reply_to"], preview["to"]) == (1, message_id, ["waste@anytown.example"])
    assert len(desk.smtp.mails) == 1
    assert "Sent." in desk.run("chase", ref, "--note", "She rang again.")
    assert message_id.encode() in desk.smtp.mails[1].data
    assert desk.json("show", ref)["handoffs"][0]["chased"] == 1
    assert [row["kind"] for row in desk.json("outbox")] == ["chase", "handoff"]
    assert "Reminded 1 time." in desk.run("show", ref)
    assert "waits for no answer" in desk.run("chase", ref, "--to", "contact-centre", status=1)


def test_an_absence_and_a_failing_mailbox(desk: Desk) -> None:
    ref, message_id = desk.handed("bin missed")
    desk.mail("I am on leave.", In_Reply_To=message_id, Auto_Submitted="auto-replied", Subject="Out of office")
    desk.run("poll", "--once", "--account", "mail.imap")
    [away] = desk.json("answers")
    assert (away["kind"], away["until"]) == ("absence", None)
    said = desk.run("answers", "accept", str(away["id"]), "--until", "+7d")
    assert f"handoff {ref} --to contact-centre" in said
    assert "mail.imap" in desk.run("check")
    desk.imap.users[USER] = "another"
    [line] = desk.run("poll", "--once", "--json", status=1).splitlines()
    assert (json.loads(line)["account"], json.loads(line)["state"]) == ("mail.imap", "login_needed")
    assert "mail.imap" in desk.run("check", status=1)
