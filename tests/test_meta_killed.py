"""kill -9 while an answer is on its way to Meta: it is unknown, looked for, and never posted a second time."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.doubles.graph import IG, PAGE, TOKEN, GraphServer
from tests.doubles.inside import Inside

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")


class Held(threading.Event):
    """What an answer waits for; tells that one does."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.reached.set()
        return super().wait(timeout)


@pytest.mark.parametrize(
    ("network", "at", "posted"),
    [
        ("facebook", "debug_token", 0),
        ("facebook", "/comments", 1),
        ("facebook", "/messages", 1),
        ("instagram", "/replies", 1),
    ],
)
def test_a_reply_that_was_killed_is_looked_for_and_sent_once(
    tmp_path: Path, network: str, at: str, posted: int
) -> None:
    ago = datetime.now(UTC) - timedelta(hours=2)
    whose = f'page = "{PAGE}"' if network == "facebook" else f'business_account = "{IG}"'
    with GraphServer() as meta:
        account = f'\n[[accounts]]\nid = "desk"\nnetwork = "{network}"\nserver = "{meta.url}"\n{whose}\n'
        shell = Inside(tmp_path, accounts=account)
        shell.login("desk", TOKEN)
        if at == "/messages":
            meta.message("Gus", "lovely", at=ago)
        elif network == "facebook":
            meta.comment(meta.post("The park opens", at=ago), "lovely", "Ada", at=ago)
        else:
            meta.ig_comment(meta.medium("The park", at=ago), "lovely", "ada", at=ago)
        shell.ok("poll", "--once")
        [case] = shell.ok("list", "--view", "all", "--json").json
        meta.release = held = Held()
        meta.fail("slow", at, "GET" if at == "debug_token" else "POST")
        running = shell.popen("reply", case["ref"], "Thank you")
        assert held.reached.wait(30)
        running.kill()
        running.communicate()
        meta.release.set()

        def there() -> int:
            values = [node.values for node in meta.nodes.values()]
            return sum("Thank you" in (value.get("message"), value.get("text")) for value in values)

        assert there() == posted
        shell.run("outbox", "send")
        assert there() == posted
        [row] = shell.ok("outbox", "--json").json
        assert row["state"] == "unknown"
        shell.ok("outbox", "retry", str(row["id"]))
        [row] = shell.ok("outbox", "--json").json
        assert (row["state"], there()) == ("sent", 1)
        shell.ok("poll", "--once")
        voices = [m["voice"] for m in shell.ok("show", case["ref"], "--json").json["messages"]]
        assert voices == ["resident", "officer"]
        assert meta.problems == []
