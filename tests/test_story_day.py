"""A day at the desk from the shell: poll, triage, hand off, answer, log. Against doubles that speak the protocols."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.doubles.inside import Inside
from tests.doubles.mastodon import TOKEN, MastodonServer
from tests.doubles.shell import Shell, mastodon
from tests.doubles.smtp import Drop, Say, SmtpDouble


@pytest.fixture
def network() -> Iterator[MastodonServer]:
    with MastodonServer() as server:
        yield server
        assert server.problems == []


@pytest.fixture
def mail() -> Iterator[SmtpDouble]:
    with SmtpDouble() as server:
        yield server


@pytest.fixture
def shell(tmp_path: Path, network: MastodonServer, mail: SmtpDouble) -> Shell:
    shell = Inside(tmp_path, smtp=mail.url(), accounts=mastodon(network.url))
    shell.login("town", TOKEN)
    return shell


@pytest.fixture
def processes(tmp_path: Path, network: MastodonServer, mail: SmtpDouble) -> Shell:
    """Every command in a process of its own, as an officer starts it."""
    shell = Shell(tmp_path, smtp=mail.url(), accounts=mastodon(network.url))
    shell.login("town", TOKEN)
    return shell


def poll(shell: Shell) -> dict[str, object]:
    ran = shell.run("poll", "--once", "--json")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert len(lines) == 1
    assert ran.status == (0 if lines[0]["state"] == "ok" else 1)
    result: dict[str, object] = lines[0]
    return result


def test_poll_tag_hand_off_log(processes: Shell, network: MastodonServer, mail: SmtpDouble) -> None:
    shell = processes
    network.mention("my bin was missed in Mill Lane", author="ada")
    network.mention("thank you for the lovely park", author="bob")
    first = poll(shell)
    assert (first["account"], first["state"], first["new"], first["updated"]) == ("town", "ok", 2, 0)
    assert poll(shell)["new"] == 0

    cases = shell.ok("list", "--json").json
    assert {case["status"] for case in cases} == {"new"}
    [case] = [case for case in cases if case["suggestion"]]
    assert case["suggestion"]["area"] == "waste"
    ref = case["ref"]

    assert "Bins and recycling" in shell.ok("tag", ref.lower(), "--area", "waste", "--urgency", "urgent").out
    preview = shell.ok("handoff", ref, "--note", "Please collect", "--preview").out
    assert mail.mails == []
    assert "Sent." in shell.ok("handoff", ref, "--note", "Please collect").out
    [sent] = mail.mails
    assert sent.recipients == ["waste@anytown.example"]
    parsed = message_from_bytes(sent.data, policy=policy.default)
    assert str(parsed["subject"]).startswith(f"[{ref}]")
    body = parsed.get_body(("plain",))
    assert body is not None
    assert "Please collect" in body.get_content()
    assert str(parsed["message-id"]) in preview

    whole = shell.ok("show", ref, "--json").json
    assert whole["status"] == "waiting_contact"
    assert whole["handoffs"][0]["state"] == "sent"
    assert [event["kind"] for event in whole["events"]] == [
        "case.opened",
        "case.tagged",
        "handoff.queued",
        "handoff.sent",
    ]
    assert {c["ref"] for c in shell.ok("list", "--view", "waiting", "--json").json} == {ref}

    text = shell.ok("log").out
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == len(shell.ok("list", "--view", "all", "--json").json) == 2
    [row] = [row for row in rows if row["reference"] == ref]
    assert row["contact"] == "waste-team"
    assert row["handed_off_at"]
    events = [json.loads(line) for line in shell.ok("log", "--format", "jsonl").out.splitlines()]
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    verified = shell.ok("log", "verify", "--json").json
    assert (verified["events"], verified["hash"], verified["whole"]) == (len(events), events[-1]["hash"], True)


def test_the_resident_is_answered_where_they_wrote_and_our_reply_never_queues(
    shell: Shell, network: MastodonServer
) -> None:
    network.mention("when is the next green bin day?", author="ada@elsewhere.example")
    poll(shell)
    [case] = shell.ok("list", "--json").json
    assert "Thursday" in shell.ok("reply", case["ref"], "Thursday, from 7am.", "--preview").out
    assert "Sent." in shell.ok("reply", case["ref"], "Thursday, from 7am.").out
    [post] = [p for p in network.posts.values() if p.author is network.me]
    assert "@ada@elsewhere.example" in post.text
    assert poll(shell)["new"] == 0
    whole = shell.ok("show", case["ref"], "--json").json
    assert whole["status"] == "waiting_resident"
    assert [m["voice"] for m in whole["messages"]] == ["resident", "officer"]
    assert whole["within_charter"] is True
    network.mention("thanks, and the brown one?", author="ada@elsewhere.example", reply_to=post.id)
    assert poll(shell)["new"] == 1
    again = shell.ok("show", case["ref"], "--json").json
    assert (again["status"], len(again["messages"])) == ("open", 3)


def test_a_saved_answer_is_filled_and_an_unfilled_one_is_refused(shell: Shell, network: MastodonServer) -> None:
    network.mention("bin missed", author="ada")
    poll(shell)
    ref = shell.ok("list", "--json").json[0]["ref"]
    refused = shell.run("reply", ref, "Your reference is {ref}")
    assert refused.status == 1
    assert "{ref}" in refused.err
    text = shell.ok("reply", ref, "--answer", "missed-bin", "--preview", "--json").json["text"]
    assert ref in text
    assert "https://anytown.example/bins" in text


@pytest.mark.parametrize(
    ("stage", "step", "state", "status"),
    [
        ("rcpt", Say("450 4.2.0 Greylisted"), "queued", "waiting_contact"),
        ("rcpt", Say("550 5.1.1 No such user"), "failed", "open"),
        ("dot", Drop(keep=True), "unknown", "waiting_contact"),
        ("greeting", Drop(), "queued", "waiting_contact"),
    ],
)
def test_a_handoff_that_does_not_get_through_says_so_and_is_never_sent_twice(
    shell: Shell, network: MastodonServer, mail: SmtpDouble, stage: str, step: Say | Drop, state: str, status: str
) -> None:
    network.mention("bin missed", author="ada")
    poll(shell)
    ref = shell.ok("list", "--json").json[0]["ref"]
    shell.ok("tag", ref, "--area", "waste")
    mail.on(stage, step)
    ran = shell.run("handoff", ref)
    assert ran.status == 1
    assert state in ran.err
    [row] = shell.ok("outbox", "--json").json
    assert row["state"] == state
    assert row["error"]
    assert (row["next_try_at"] is not None) == (state == "queued")
    assert shell.ok("show", ref, "--json").json["status"] == status
    taken = len(mail.mails)
    shell.run("outbox", "send")
    shell.run("poll", "--once")
    assert len(mail.mails) == taken
    if state == "unknown":
        refused = shell.run("outbox", "retry", str(row["id"]))
        assert refused.status == 1
        assert "cannot be asked" in refused.err
        shell.ok("outbox", "retry", str(row["id"]), "--anyway")
        assert len({message_from_bytes(m.data)["message-id"] for m in mail.mails}) == 1
    if state == "failed":
        shell.ok("outbox", "drop", str(row["id"]))
        assert shell.ok("outbox", "--json").json == []


def test_the_deputy_gets_it_when_the_contact_is_away(shell: Shell, network: MastodonServer, mail: SmtpDouble) -> None:
    network.mention("bin missed", author="ada")
    poll(shell)
    ref = shell.ok("list", "--json").json[0]["ref"]
    shell.ok("tag", ref, "--area", "waste")
    shell.ok("contacts", "away", "waste-team", "--until", "2999-01-01")
    assert "deputy of Waste services" in shell.ok("handoff", ref, "--preview").out
    shell.ok("handoff", ref)
    assert mail.mails[0].recipients == ["centre@anytown.example"]
    shell.ok("contacts", "away", "contact-centre", "--until", "2999-01-01")
    refused = shell.run("handoff", ref)
    assert refused.status == 1
    assert "away" in refused.err
    [waste, centre] = shell.ok("contacts", "--json").json
    assert waste["away_until"] == "2999-01-01"
    assert centre["open_handoffs"] == 1


def test_redaction_masks_the_person_in_what_leaves_and_nothing_in_the_store(
    shell: Shell, network: MastodonServer, mail: SmtpDouble
) -> None:
    network.mention("ring me on 07700 900123 about my bin, SW1A 1AA", author="ada")
    poll(shell)
    case = shell.ok("list", "--json").json[0]
    shell.ok("tag", case["ref"], "--area", "waste")
    shell.ok("handoff", case["ref"], "--redact")
    text = mail.mails[0].data.decode()
    for word in ("900123", "SW1A", "ada", case["person"]["handle"]):
        assert word not in text
    assert "900123" in shell.ok("show", case["ref"]).out


def test_undo_takes_a_queued_handoff_back(shell: Shell, network: MastodonServer, mail: SmtpDouble) -> None:
    network.mention("bin missed", author="ada")
    poll(shell)
    ref = shell.ok("list", "--json").json[0]["ref"]
    shell.ok("tag", ref, "--area", "waste")
    shell.ok("handoff", ref, "--queue")
    assert shell.ok("show", ref, "--json").json["status"] == "waiting_contact"
    assert "Undone" in shell.ok("undo").out
    whole = shell.ok("show", ref, "--json").json
    assert (whole["status"], whole["handoffs"]) == ("open", [])
    shell.run("outbox", "send")
    assert mail.mails == []
    shell.ok("handoff", ref)
    refused = shell.run("undo")
    assert refused.status == 1
    assert "already left" in refused.err


def test_a_revoked_login_is_said_and_resumes_after_signing_in(shell: Shell, network: MastodonServer) -> None:
    network.mention("one", author="ada")
    poll(shell)
    network.revoke()
    network.mention("two", author="bob")
    bad = poll(shell)
    assert bad["state"] == "login_needed"
    assert bad["error"]
    [account] = shell.ok("accounts", "--json").json
    assert account["state"] == "login_needed"
    network.tokens["fresh-token"] = "read write"
    shell.login("town", "fresh-token")
    assert poll(shell)["new"] == 1
    assert TOKEN not in shell.ok("log", "--format", "jsonl").out


def test_edits_and_deletions_at_the_source_are_seen(shell: Shell, network: MastodonServer) -> None:
    edited = network.mention("bin mised", author="ada")
    gone = network.mention("rude words", author="bob")
    poll(shell)
    network.edit(edited, "@council bin missed")
    network.delete(gone)
    assert poll(shell)["updated"] == 2
    texts = {}
    for case in shell.ok("list", "--json").json:
        [message] = shell.ok("show", case["ref"], "--json").json["messages"]
        texts[message["remote_id"]] = message
    assert "missed" in texts[edited]["text"]
    assert texts[edited]["edited_at"]
    assert texts[gone]["gone_at"]
    assert "rude words" in texts[gone]["text"]


def test_two_officers_cannot_both_act_on_what_one_of_them_changed(shell: Shell, network: MastodonServer) -> None:
    network.mention("bin missed", author="ada")
    poll(shell)
    ref = shell.ok("list", "--json").json[0]["ref"]
    shell.ok("claim", ref, officer="MK")
    assert shell.ok("list", "--view", "mine", "--json", officer="MK").json[0]["ref"] == ref
    assert shell.ok("list", "--view", "mine", "--json", officer="JS").json == []
    shell.ok("close", ref, "--outcome", "answered", officer="MK")
    refused = shell.run("close", ref, "--outcome", "spam", officer="JS")
    assert refused.status == 1
    assert "closed" in refused.err
    officers = {event["officer"] for event in shell.ok("show", ref, "--json").json["events"]}
    assert officers == {"socialtriage", "MK"}


def test_only_one_process_polls(processes: Shell) -> None:
    shell = processes
    running = shell.popen("poll")
    try:
        assert running.stderr is not None
        assert "Polling" in running.stderr.readline()
        refused = shell.run("poll", "--once")
        assert refused.status == 1
        assert "polls already" in refused.err
    finally:
        running.terminate()
        running.communicate()
    assert shell.run("poll", "--once").status == 0


def test_a_new_case_from_the_phone(shell: Shell) -> None:
    made = shell.ok("new", "--person", "Mrs Price", "--text", "bin not collected", "--channel", "phone", "--json").json
    assert made["account"] == "phone"
    assert made["suggestion"]["area"] == "waste"
    assert made["person"]["name"] == "Mrs Price"
    assert shell.ok("show", made["ref"]).out
