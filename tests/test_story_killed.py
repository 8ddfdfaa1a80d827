"""kill -9 while polling and while sending: nothing lost, nothing doubled, nothing sent twice."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path

import pytest

from tests.doubles.inside import Inside
from tests.doubles.mastodon import TOKEN, Asked, MastodonServer
from tests.doubles.shell import mastodon
from tests.doubles.smtp import Hang, SmtpDouble

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")


@pytest.mark.parametrize("at_request", [2, 3, 4, 5, 6])
def test_killed_at_any_request_of_a_poll(tmp_path: Path, at_request: int) -> None:
    with MastodonServer() as network:
        shell = Inside(tmp_path, accounts=mastodon(network.url))
        shell.login("town", TOKEN)
        for number in range(95):
            network.mention(f"message number {number}", author=f"person{number % 60}")
        reached = threading.Event()
        seen = 0

        def count(asked: Asked) -> None:
            nonlocal seen
            seen += 1
            if seen == at_request:
                reached.set()
                network.release.wait(20)

        network.on_request = count
        running = shell.popen("poll", "--once", "--json")
        stopped_at_request = reached.wait(20)
        running.kill()
        running.communicate()
        network.on_request = None
        network.release.set()
        ran = shell.ok("poll", "--once", "--json")
        assert json.loads(ran.out)["state"] == "ok"
        log = shell.ok("log", "verify", "--json").json
        assert log["whole"]
        total = sum(case["message_count"] for case in shell.ok("list", "--view", "all", "--json").json)
        assert total == 95
        assert json.loads(shell.ok("poll", "--once", "--json").out)["new"] == 0
        assert stopped_at_request or seen < at_request


@pytest.mark.parametrize(("stage", "arrives"), [("greeting", False), ("mail", False), ("data", False), ("dot", True)])
def test_killed_at_any_stage_of_a_handoff(tmp_path: Path, stage: str, arrives: bool) -> None:
    with SmtpDouble() as mail, MastodonServer() as network:
        shell = Inside(tmp_path, smtp=mail.url(), accounts=mastodon(network.url))
        shell.login("town", TOKEN)
        network.mention("bin missed", author="ada")
        shell.ok("poll", "--once")
        ref = shell.ok("list", "--json").json[0]["ref"]
        shell.ok("tag", ref, "--area", "waste")
        mail.on(stage, Hang(keep=arrives))
        running = shell.popen("handoff", ref)
        assert mail.hanging.wait(20)
        running.kill()
        running.communicate()
        shell.run("outbox", "send")
        shell.run("poll", "--once")
        [row] = shell.ok("outbox", "--json").json
        assert row["state"] == "unknown"
        assert "not known" in row["error"]
        assert len(mail.mails) == (1 if arrives else 0)
        assert shell.ok("show", ref, "--json").json["handoffs"][0]["state"] == "unknown"
        shell.ok("outbox", "retry", str(row["id"]), "--anyway")
        [row] = shell.ok("outbox", "--json").json
        assert row["state"] == "sent"
        kinds = [event["kind"] for event in shell.ok("show", ref, "--json").json["events"]]
        assert kinds[-3:] == ["handoff.queued", "handoff.unknown", "handoff.sent"]
        assert shell.ok("log", "verify", "--json").json["whole"]


def test_killed_between_posting_a_reply_and_its_answer(tmp_path: Path) -> None:
    with MastodonServer() as network:
        shell = Inside(tmp_path, accounts=mastodon(network.url))
        shell.login("town", TOKEN)
        network.mention("when?", author="ada")
        shell.ok("poll", "--once")
        ref = shell.ok("list", "--json").json[0]["ref"]
        network.fail("lost", path="/api/v1/statuses", method="POST")
        ran = shell.run("reply", ref, "On Thursday.")
        ours = [p for p in network.posts.values() if p.author is network.me]
        assert len(ours) == 1
        assert ran.status == 1
        [row] = shell.ok("outbox", "--json").json
        assert row["state"] == "unknown"
        assert "sent" in shell.ok("outbox", "retry", str(row["id"])).out
        assert len([p for p in network.posts.values() if p.author is network.me]) == 1
        assert shell.ok("show", ref, "--json").json["status"] == "waiting_resident"


def test_killed_at_the_second_part_of_a_thread(tmp_path: Path) -> None:
    with MastodonServer() as network:
        shell = Inside(tmp_path, accounts=mastodon(network.url))
        shell.login("town", TOKEN)
        network.mention("when?", author="ada")
        shell.ok("poll", "--once")
        ref = shell.ok("list", "--json").json[0]["ref"]
        reached = threading.Event()
        posts = 0

        def hold(asked: Asked) -> None:
            nonlocal posts
            if asked.method == "POST" and asked.path == "/api/v1/statuses":
                posts += 1
                if posts == 2:
                    reached.set()
                    network.release.wait(20)

        network.on_request = hold
        words = " ".join(f"Sentence {number} explains the calendar of your street." for number in range(24))
        running = shell.popen("reply", ref, words, "--split")
        assert reached.wait(20)
        running.kill()
        running.communicate()
        network.on_request = None
        network.release.set()
        shell.run("outbox", "send")
        rows = sorted(shell.ok("outbox", "--json").json, key=lambda row: row["id"])
        states = [row["state"] for row in rows]
        assert states == ["sent", "unknown", "queued"]
        shell.ok("outbox", "retry", str(rows[1]["id"]))
        shell.ok("outbox", "send")
        ours = [post for post in network.posts.values() if post.author is network.me]
        assert [post.parent for post in ours[1:]] == [post.id for post in ours[:-1]]
        assert [post.text.rpartition("(")[2] for post in ours] == ["1/3)", "2/3)", "3/3)"]
        assert len(ours) == 3
