"""Every command's wrong turns: exit statuses, sentences instead of tracebacks, nothing half done."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import stat
import time
from pathlib import Path

import pytest

from socialtriage.services.polling import Polling
from socialtriage.services.sync import PollResult
from tests.doubles.inside import Inside
from tests.doubles.shell import Shell

NASTY = "\x1b]0;owned\x07\x1b[31mred [/nope] [@click=app.quit]x[/] \u202eevil\u2069 \u009b2J e" + "\u0301" * 5000


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Inside(tmp_path)


@pytest.fixture
def processes(tmp_path: Path) -> Shell:
    """Every command in a process of its own, as an officer starts it."""
    return Shell(tmp_path)


def new(shell: Shell, text: str = "bin missed", person: str = "Mrs Price") -> str:
    return str(shell.ok("new", "--person", person, "--text", text, "--json").json["ref"])


@pytest.mark.parametrize(
    ("args", "status", "says"),
    [
        (["lst"], 2, "Did you mean list?"),
        (["show"], 2, "REF"),
        (["show", "ABC-AAAAAA"], 1, "no case"),
        (["show", "rubbish"], 1, "no case"),
        (["tag", "ABC-AAAAAA", "--area", "waste"], 1, "no case"),
        (["list", "--area", "wast"], 2, "Did you mean waste?"),
        (["list", "--search", "aera:waste"], 2, "Did you mean area?"),
        (["list", "--view", "nope"], 2, "nope"),
        (["list", "--area", "waste", "--search", "area:none bin"], 2, "two different things"),
        (["report", "--week", "--month"], 2, "--week and --month do not go together"),
        (["report", "--year", "--month", "--format", "json"], 2, "--year and --month do not go together"),
        (["report", "--month", "--to", "today"], 2, "--month and --to do not go together"),
        (["report", "--ascii", "--format", "html"], 2, "--ascii is about text"),
        (["log", "--case", "ABC-AAAAAA", "--area", "waste"], 2, "--case and --area do not go together"),
        (["handoff", "ABC-AAAAAA", "--preview", "--queue"], 2, "--preview and --queue do not go together"),
        (["reply", "ABC-AAAAAA", "Yes.", "--preview", "--queue"], 2, "--preview and --queue do not go together"),
        (["chase", "ABC-AAAAAA", "--queue", "--preview"], 2, "--preview and --queue do not go together"),
        (["incident", "new", "x", "--text", "y", "--preview", "--yes"], 2, "--preview and --yes do not go together"),
        (["hide", "ABC-AAAAAA", "--reason", "x", "--by-hand", "--queue"], 2, "--by-hand and --queue do not go"),
        (["evidence", "ABC-AAAAAA", "--clean"], 2, "--clean goes with --save only"),
        (["link", "ABC-AAAAAA", "ABC-AAAAAA", "--remove", "--why", "x"], 2, "--remove and --why do not go together"),
        (["prune", "--dry-run", "--compact"], 2, "--dry-run and --compact do not go together"),
        (["init", "--stdout", "--force"], 2, "--stdout and --force do not go together"),
        (["spotter", "--rules", "--try", "x"], 2, "--rules and --try do not go together"),
        (["log", "--from", "someday"], 2, "someday"),
        (["log", "--from", "today", "--to", "-7d"], 2, "before"),
        (["handoff", "ABC-AAAAAA"], 1, "no case"),
        (["reply", "ABC-AAAAAA", "text"], 1, "no case"),
        (["outbox", "drop", "7"], 1, "no row 7"),
        (["outbox", "retry", "7"], 1, "no row 7"),
        (["accounts", "login", "nobody", "--secret-stdin"], 2, "no account"),
        (["contacts", "away", "waste-teem", "--until", "today"], 2, "Did you mean waste-team?"),
        (["contacts", "away", "waste-team", "--until", "2020-01-01"], 2, "passed"),
        (["contacts", "import", "nothere.csv"], 2, "nothere.csv"),
        (["poll", "--once", "--account", "nobody"], 2, "no account"),
        (["undo"], 1, "nothing of yours"),
        (["redo"], 1, "nothing to do again"),
        (["init"], 1, "already"),
        ([], 2, "terminal"),
    ],
)
def test_wrong_turns_end_with_a_sentence_and_the_right_status(
    shell: Shell, args: list[str], status: int, says: str
) -> None:
    ran = shell.run(*args, stdin="x")
    assert ran.status == status, ran.err
    assert says.lower() in (ran.err + ran.out).lower()


def test_a_name_the_configuration_does_not_have_is_wrong_usage_in_every_command(shell: Shell) -> None:
    ref = new(shell)
    for args, says in (
        (["list", "--area", "wast"], "mean waste?"),
        (["list", "--account", "fone"], "fone"),
        (["list", "--search", "area:wast"], "mean waste?"),
        (["list", "--search", "after:someday"], "someday"),
        (["list", "--urgency", "urgnt"], "urgent"),
        (["tag", ref, "--area", "wast"], "mean waste?"),
        (["tag", ref, "--area", "waste", "--topic", "missed"], "no topic"),
        (["handoff", ref, "--to", "waste-teem"], "mean waste-team?"),
        (["reply", ref, "--answer", "mised-bin", "--preview"], "missed-bin"),
        (["log", "--area", "wast"], "mean waste?"),
        (["log", "--contact", "waste-teem"], "mean waste-team?"),
        (["live", "https://x.example/1", "--account", "nobody"], "nobody"),
        (["accounts", "logout", "nobody"], "mail.smtp"),
        (["accounts", "gaps", "nobody"], "nobody"),
        (["contacts", "back", "waste-teem"], "mean waste-team?"),
        (["chase", ref, "--to", "waste-teem"], "mean waste-team?"),
        (["incident", "new", "flood", "--text", "Water.", "--area", "wast"], "mean waste?"),
        (["snooze", ref, "2020-01-01"], "over"),
    ):
        ran = shell.run(*args)
        assert (ran.status, says in ran.err) == (2, True), (args, ran)
    shown = shell.ok("show", ref, "--json").json
    assert (shown["status"], shown["version"]) == ("new", 1), "nothing was done"


def test_every_problem_of_the_configuration_is_listed_at_once(shell: Shell) -> None:
    text = shell.config.read_text()
    text = text.replace('prefix = "ABC"', 'prefix = "TOOLONG"\ncolour = "red"')
    text = text.replace('deputy = "contact-centre"', 'deputy = "centre"')
    shell.config.write_text(text)
    ran = shell.run("list")
    assert ran.status == 2
    for words in ("organisation.prefix", "organisation.colour", "contacts.waste-team.deputy", "contact-centre"):
        assert words in ran.err
    assert not shell.store.exists()


def test_no_configuration_says_what_to_do(processes: Shell) -> None:
    shell = processes
    shell.config.unlink()
    ran = shell.run("list")
    assert ran.status == 2
    assert "init" in ran.err
    assert "demo" in ran.err
    assert "Wrote" in shell.ok("init").out
    shell.ok("check", "--offline")
    assert shell.run("init").status == 1
    shell.ok("init", "--force")


def test_a_damaged_store_is_told_with_the_remedy(shell: Shell) -> None:
    shell.store.write_bytes(b"SQLite format 3\x00" + b"\xff" * 9000)
    ran = shell.run("list")
    assert ran.status == 1
    assert "desk.db" in ran.err


def test_version_and_help(processes: Shell) -> None:
    shell = processes
    from socialtriage import __version__

    assert shell.ok("--version").out.strip() == f"socialtriage {__version__}"
    assert "handoff" in shell.ok("--help").out


def test_json_is_one_document_and_nothing_else(shell: Shell) -> None:
    new(shell)
    for args in (["list"], ["accounts"], ["contacts"], ["outbox"], ["log", "verify"], ["check", "--offline"]):
        json.loads(shell.ok(*args, "--json").out)


def test_a_mistyped_reference_is_refused_with_the_nearest_and_nothing_is_done(shell: Shell) -> None:
    ref = new(shell)
    swapped = ref[:5] + ref[6] + ref[5] + ref[7:] if ref[5] != ref[6] else ref[:-1] + ("A" if ref[-1] != "A" else "B")
    ran = shell.run("close", swapped, "--outcome", "answered")
    assert ran.status == 1
    assert f"Did you mean {ref}" in ran.err
    assert shell.ok("show", ref, "--json").json["status"] == "new"


def test_one_bad_reference_among_many_does_nothing(shell: Shell) -> None:
    ref = new(shell)
    assert shell.run("close", ref, "ABC-AAAAAA", "--outcome", "spam").status == 1
    assert shell.ok("show", ref, "--json").json["status"] == "new"


def test_hostile_text_goes_through_every_command_without_a_control_character(shell: Shell) -> None:
    ref = new(shell, NASTY + " " + "x" * 120_000, person=NASTY[:60])
    shell.ok("note", ref, NASTY)
    shell.ok("tag", ref, "--area", "waste")
    shell.ok("handoff", ref, "--queue", "--note", NASTY)
    outputs = [
        shell.ok(*args)
        for args in (
            ["list", "--view", "all"],
            ["list", "--view", "all", "--json"],
            ["list", "--search", "owned"],
            ["show", ref],
            ["show", ref, "--json"],
            ["outbox"],
            ["outbox", "--json"],
            ["log"],
            ["log", "--format", "jsonl"],
            ["handoff", ref, "--preview"],
        )
    ]
    for ran in outputs:
        for char in ran.out + ran.err:
            assert char in "\n\r\t\ufeff" or ord(char) >= 32, repr(char)
            assert not 0x7F <= ord(char) <= 0x9F
            assert char not in "\u202e\u2069\u2066"


def test_the_log_as_csv_opens_in_a_spreadsheet_and_holds_no_formula(shell: Shell) -> None:
    new(shell, person="=HYPERLINK(1)")
    new(shell, person="+44 1632 960000")
    new(shell, person="@someone")
    target = shell.folder / "log.csv"
    shell.ok("log", "-o", str(target))
    data = target.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in data
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert len(rows) == 3
    for row in rows:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    if os.name == "posix":
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
    masked = shell.ok("log", "--redact").out
    assert "HYPERLINK" not in masked


def test_the_log_goes_by_days_of_the_organisation(shell: Shell) -> None:
    new(shell)
    assert len(shell.ok("log", "--from", "today").out.splitlines()) == 2
    assert len(shell.ok("log", "--to", "-1d").out.splitlines()) == 1


def test_a_secret_is_never_shown(processes: Shell) -> None:
    shell = processes
    shell.config.write_text(
        shell.config.read_text()
        + '\n[[accounts]]\nid = "town"\nnetwork = "mastodon"\nserver = "http://127.0.0.1:1"\nhandle = "@c"\n'
    )
    secret = "tok-SECRETSECRET1234567890"
    ran = shell.ok("-v", "accounts", "login", "town", "--secret-stdin", stdin=secret)
    shown = ran.out + ran.err
    for args in (["-v", "poll", "--once"], ["-v", "check"], ["accounts"], ["log", "--format", "jsonl"]):
        ran = shell.run(*args)
        shown += ran.out + ran.err
    home = Path(os.environ["HOME"])
    logs = [path.read_text(errors="replace") for path in home.rglob("socialtriage.log*")]
    assert logs
    assert "Traceback" in "".join(logs)
    assert secret not in shown + "".join(logs)
    assert secret.encode() not in shell.store.read_bytes()
    shell.ok("accounts", "logout", "town")
    assert "login" in shell.run("poll", "--once").out


def test_an_empty_secret_is_refused(shell: Shell) -> None:
    ran = shell.run("accounts", "login", "mail.smtp", "--secret-stdin", stdin="\n")
    assert ran.status == 2
    assert "empty" in ran.err


def test_demo_without_a_terminal_runs_headless_and_says_what_it_did(shell: Shell, tmp_path: Path) -> None:
    summary = shell.ok("demo", "--headless", "60", "--keep", str(tmp_path / "kept")).json
    assert summary["messages"] == 60
    assert summary["handoffs"] == 1
    assert len(summary["sent"]) == 1
    assert Path(summary["sent"][0]).read_bytes().startswith(b"Date:")
    assert Path(summary["store"]).exists()


def test_poll_that_goes_on_rereads_first_when_it_is_told_to(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[object] = []

    async def once(self: Polling, accounts: object, *, reread: bool, report: object) -> list[PollResult]:
        passes.append(reread)
        return []

    async def forever(self: Polling, *args: object) -> None:
        passes.append("on and on")

    monkeypatch.setattr(Polling, "once", once)
    monkeypatch.setattr(Polling, "forever", forever)
    shell.ok("poll", "--reread")
    assert passes == [True, "on and on"]
    shell.ok("poll")
    assert passes == [True, "on and on", "on and on"]


def test_two_callers_of_one_name_stay_two_people(shell: Shell) -> None:
    first, second = new(shell, "bin missed"), new(shell, "bin missed again")
    people = shell.ok("person", "find", "Mrs Price", "--json").json
    assert len(people) == 2
    for ref in (first, second):
        shown = shell.ok("show", ref, "--json").json
        assert (shown["person"]["contacts"], shown["repeat"]["count"]) == (1, 1)


def test_a_demo_leaves_nothing_behind_but_what_it_names(
    processes: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "temporary"
    there.mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        processes.env[name] = str(there)
    old, young = there / "socialtriage-demo-old", there / "socialtriage-demo-young"
    for folder in (old, young):
        folder.mkdir()
        (folder / "desk.db").write_bytes(b"")
        os.utime(folder / "desk.db", (1_000_000_000, 1_000_000_000))
    os.utime(old, (1_000_000_000, 1_000_000_000))
    ran = processes.run("demo", "--headless", "500")
    assert (ran.status, ran.err) == (0, "The practice week has no more than 438 messages.\n")
    assert ran.json["messages"] == 438
    kept = Path(ran.json["store"]).parent
    assert sorted(there.iterdir()) == sorted([young, kept]), "what an earlier demo left is gone"
    for number in (signal.SIGTERM, signal.SIGINT):
        demo = processes.popen("demo", "--headless", "438")
        deadline = time.monotonic() + 20
        while len(list(there.glob("socialtriage-demo-*"))) < 3 and time.monotonic() < deadline:
            time.sleep(0.005)
        demo.send_signal(number)
        demo.communicate(timeout=20)
        assert demo.returncode not in (0, 1), "it was stopped"
        # The look of `tempfile` whether it can write there leaves its own file when it is stopped in the middle.
        assert sorted(there.glob("socialtriage-demo-*")) == sorted([young, kept])


def test_contacts_come_from_a_spreadsheet_and_bad_rows_are_named(shell: Shell) -> None:
    file = shell.folder / "contacts.csv"
    file.write_text(
        "id,name,email,deputy,answers_within,areas\n"
        "parks,Parks team,parks@anytown.example,,2d,waste\n"
        "bad,Bad row,not-an-address,,,\n"
    )
    ran = shell.run("contacts", "import", str(file))
    assert ran.status == 1
    assert ":3:" in ran.err
    assert "parks" in {c["id"] for c in shell.ok("contacts", "--json").json}


def test_two_callers_of_one_name_are_two_people_until_an_officer_says_otherwise(shell: Shell) -> None:
    new(shell, "bin missed", person="John Smith")
    second = new(shell, "pothole", person="John Smith")
    case = shell.ok("show", second, "--json").json
    assert (case["person"]["contacts"], case["repeat"]["count"], case["urgency"]) == (1, 1, "normal")


def test_pipes_that_close_early_are_no_fault(processes: Shell) -> None:
    shell = processes
    for _ in range(3):
        new(shell)
    running = shell.popen("log")
    assert running.stdout is not None
    running.stdout.close()
    running.wait(20)
    assert running.stderr is not None
    assert "Traceback" not in running.stderr.read()
    running.stderr.close()
    assert running.stdin is not None
    running.stdin.close()
