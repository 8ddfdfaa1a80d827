"""A restricted case, asked about in every way that a shell has: nobody sees its words without its log saying so."""

from __future__ import annotations

from pathlib import Path

from socialtriage.services import inbox, restricting
from tests.doubles.desk import arrive, message, small_desk, the_case
from tests.doubles.inside import Inside

SECRETS = ("Zebulonia", "grandmother", "Hidden Lane", "the feud", "crying to be let in", "threats")


def test_no_command_tells_what_a_restricted_case_says_unless_its_log_does_too(tmp_path: Path) -> None:
    shell = Inside(tmp_path)
    words = "My grandmother is crying to be let in, and the pole is dangerous"
    ref = shell.ok("new", "--person", "Zebulonia", "--text", words, "--json").json["ref"]
    other = shell.ok("new", "--person", "Bob", "--text", "A pothole", "--json").json["ref"]
    shell.ok("note", ref, "the feud goes on")
    shell.ok("tag", ref, "--area", "waste", "--kind", "complaint")
    shell.ok("fact", ref, "address", "12 Hidden Lane")
    shell.ok("link", other, ref, "--why", "the feud again")
    shell.ok("block", ref, "--reason", "threats", "--by-hand")
    shell.ok("restrict", ref)
    asked = [
        ("list",), ("list", "--json"), ("list", "--search", "dangerous", "--json"), ("show", ref),
        ("show", ref, "--json"), ("show", other), ("show", other, "--json"), ("moderation",),
        ("moderation", "--json"), ("fact", ref), ("fact", ref, "--json"), ("outbox", "--json"), ("log",),
        ("log", "--format", "jsonl"), ("log", "--format", "html"), ("log", "--case", ref, "--format", "html"),
        ("log", "--case", other, "--format", "html"), ("evidence", ref), ("report", "--format", "json"),
    ]  # fmt: skip
    for command in asked:
        ran = shell.run(*command)
        told = [secret for secret in SECRETS if secret in ran.out + ran.err]
        assert (command, ran.status, told) == (command, 0, [])
    assert "case unmasked" not in shell.ok("show", ref).out
    assert "grandmother" in shell.ok("handoff", ref, "--preview").out
    assert "case unmasked" in shell.ok("show", ref).out
    assert "the feud goes on" in shell.ok("show", ref, "--unmask").out


def test_why_a_restricted_case_is_urgent_does_not_quote_it(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("The pole is dangerous", "1"))
    case = the_case(desk)
    assert "dangerous" in " ".join(inbox.why(desk, case))
    restricting.restrict(desk, [case])
    told = (inbox.why(desk, case), inbox.rows(desk, [case]), inbox.shown(desk, case))
    assert "dangerous" not in repr(told)
    desk.close()
