"""Answering from the shell: previews, acknowledgements, promises, saved answers, the same answer for many, approval."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from socialtriage.cli.start import run
from tests.doubles.mastodon import TOKEN, MastodonServer, Post
from tests.doubles.shell import BASE, mastodon

TOMORROW = date.today() + timedelta(days=1)  # noqa: DTZ011
MORE = """
[[answers]]
id = "old"
text = "Long over."
expires = 2020-01-01

[[answers]]
id = "fresh"
area = "waste"
text = "Sorry, {name}: {ref}."
for.mastodon = "Look at {link}, {name}: {ref}."
"""


@dataclass
class Here:
    """Runs commands in this process."""

    folder: Path
    server: MastodonServer
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *args: str, officer: str = "JS", status: int = 0) -> str:
        """Standard output of a command that must end with `status`; the errors are in `said`."""
        self.monkeypatch.setenv("SOCIALTRIAGE_OFFICER", officer)
        assert run(args) == status, self.capsys.readouterr()
        out, self.said = self.capsys.readouterr()
        return out

    def json(self, *args: str, **more: Any) -> Any:
        """Standard output as JSON."""
        return json.loads(self(*args, "--json", **more))

    @property
    def ours(self) -> list[Post]:
        """What the account posted."""
        return [post for post in self.server.posts.values() if post.author is self.server.me]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Here]:
    """A town with three residents who ask about bins."""
    with MastodonServer() as server:
        config = BASE.format(smtp="smtp://127.0.0.1:9") + MORE + mastodon(server.url, sign_off="^{initials}")
        config = config.replace('prefix = "ABC"', 'prefix = "ABC"\nsupervised = ["TR"]')
        (tmp_path / "config.toml").write_text(config, encoding="utf-8")
        monkeypatch.setenv("SOCIALTRIAGE_CONFIG", str(tmp_path / "config.toml"))
        monkeypatch.setenv("SOCIALTRIAGE_STORE", str(tmp_path / "desk.db"))
        monkeypatch.setattr("sys.stdin", None)
        from socialtriage.config.model import Keyring
        from socialtriage.services.secrets import SecretStore

        SecretStore(Keyring()).set("town", TOKEN)
        here = Here(tmp_path, server, monkeypatch, capsys)
        for name in ("ada", "bob", "cyd"):
            server.mention("my recycling bin was missed on friday", author=name)
        here("poll", "--once", "--json")
        yield here


def test_a_day_of_answers_from_the_shell(here: Here) -> None:
    refs = [case["ref"] for case in here.json("list")]
    first, second, _ = refs

    here("reply", first, "By {promise}", status=1)
    assert "The reply still holds {promise}" in here.said
    here("tag", *refs, "--area", "waste")
    preview = here.json("reply", first, "--answer", "fresh", "--preview")
    assert preview["text"].startswith("Look at https://anytown.example/bins, ")
    assert preview["text"].endswith(f"{first}. ^JS")
    assert (preview["visibility"], preview["limit"], preview["held"]) == ("public", 500, False)
    assert preview["place"].startswith("below what @")
    here("reply", first, "--answer", "old", status=1)
    assert "expired on 2020-01-01" in here.said

    [acknowledged] = here.json("acknowledge", second)
    assert acknowledged["state"] == "sent"
    shown = here.json("show", second)
    assert shown["acknowledged_at"]
    assert shown["answered_at"] is None
    here("acknowledge", second, status=1)
    here("promise", second, f"{TOMORROW} 17:00")
    assert [case["ref"] for case in here.json("list", "--view", "promised")] == [second]
    assert [case["ref"] for case in here.json("list", "--search", "is:promised")] == [second]
    here("promise", second, "yesterday", status=2)

    here("reply", first, "--answer", "fresh")
    here("reply", first, "Again", "--seen", "1", status=1)
    assert "changed since you opened it" in here.said
    assert {each["id"]: each["used"] for each in here.json("saved")} == {"missed-bin": 0, "old": 0, "fresh": 1}
    here("saved", "keep", first, "kept")
    kept = next(each for each in here.json("saved") if each["id"] == "kept")
    assert (kept["text"], kept["area"]) == ("Look at {link}, {name}: {ref}.", "waste")
    assert len(here.ours) == 2


def test_the_same_answer_for_many(here: Here) -> None:
    refs = [case["ref"] for case in here.json("list")]
    alike = {case["ref"] for case in here.json("once", refs[0])}
    assert alike == set(refs[1:])
    preview = here.json("once", refs[0], f"We come on Monday, {refs[0]}.", "--all", "--preview")
    assert {each["ref"]: each["text"] for each in preview["replies"]} == {
        ref: f"We come on Monday, {ref}. ^JS" for ref in refs
    }
    assert here.ours == []
    done = here.json("once", refs[0], f"We come on Monday, {refs[0]}.", "--with", refs[1])
    assert [each["state"] for each in done["replies"]] == ["sent", "queued"]
    assert len(here.ours) == 1
    here("outbox", "send")
    assert sorted(post.text.split("Monday, ")[1] for post in here.ours) == sorted(f"{ref}. ^JS" for ref in refs[:2])
    assert len({post.parent for post in here.ours}) == 2
    # A pass that was killed is begun again: who has the words already, sent or waiting, does not get them twice.
    words = "We come on Monday, {}."
    here.json("once", refs[2], words.format(refs[2]), "--queue")
    again = here.json("once", refs[0], words.format(refs[0]), "--with", refs[1], "--with", refs[2], status=1)
    assert again["replies"] == []
    here("outbox", "send")
    assert len({post.parent for post in here.ours}) == len(here.ours) == 3


def test_a_trainees_reply_from_the_shell(here: Here) -> None:
    ref = here.json("list")[0]["ref"]
    queued = here.json("reply", ref, "Tomorrow.", officer="TR")
    assert (queued["state"], queued["held"]) == ("queued", "approval")
    row = str(queued["id"])
    here("outbox", "send", officer="TR")
    assert here.ours == []
    assert "waits for the approval of a second officer, written by TR" in here("outbox")
    here("outbox", "approve", row, officer="TR", status=1)
    assert "Nobody approves or returns their own" in here.said
    here("outbox", "retry", row, status=1)
    here("outbox", "return", row, "When?")
    again = here.json("reply", ref, "Tomorrow at ten.", officer="TR")
    approved = here.json("outbox", "approve", str(again["id"]))
    assert approved["state"] == "sent"
    assert [post.text for post in here.ours] == [f"@{here.ours[0].mentions[0].acct} Tomorrow at ten. ^TR"]
    log = here.json("show", ref)["events"]
    assert {"reply.returned", "reply.approved"} <= {event["kind"] for event in log}
