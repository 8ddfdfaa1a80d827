"""Whatever happens to a mailbox, and wherever a walk through it is broken off: each mail comes, and comes once."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialtriage.mail import walk
from socialtriage.mail.walk import WalkState
from tests.doubles.imap import ImapDouble
from tests.doubles.imap_reader import Reader, letter

HAPPENINGS = st.lists(
    st.sampled_from(
        [
            *("deliver", "deliver", "deliver", "hidden", "hidden", "show", "show", "expunge", "poll", "poll", "poll"),
            *("lost", "forget", ("stop", 1), ("stop", 2), ("renumber", 5, True), ("renumber", 3000, False)),
        ]
    ),
    min_size=6,
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(HAPPENINGS)
def test_every_mail_that_stays_comes_once(happenings: list[Any]) -> None:
    with (
        ImapDouble() as server,
        patch.object(walk, "MAX_MAILS", 2),
        patch("socialtriage.channels.imap.PAUSE", 0.0),
    ):
        reader = Reader(server.url)
        repeats_allowed = False
        box = server.boxes["INBOX"]
        for number, what in enumerate(happenings):
            before = reader.cursor
            if what in ("deliver", "hidden"):
                server.deliver(letter(number), hidden=what == "hidden")
            elif what == "show":
                for uid in box.mails:
                    server.show(uid)
            elif what == "expunge" and box.visible:
                server.expunge(box.visible[len(box.visible) // 2])
            elif what == "poll":
                reader.read()
            elif what == "lost":
                server.on("UID FETCH", lambda connection: connection.cut())
            elif what == "forget":
                # A page that was handed in, and whose transaction failed.
                kept = dict(reader.kept)
                reader.read(stop_after=1)
                reader.cursor, reader.kept = before, kept
                repeats_allowed = True
            elif what[0] == "stop":
                reader.read(stop_after=what[1])
            elif what[0] == "renumber":
                # Never one that was there before: that would be another mailbox under the same name.
                server.renumber(what[1] + number, reverse=what[2])
                repeats_allowed = True
        reader.read()
        there = {line.split(b" ", 1)[1] for uid in box.visible for line in [_subject(box.mails[uid].raw)]}
        assert there <= {str(subject).encode() for subject in reader.subjects}
        assert len(reader.subjects) == len(set(reader.subjects))
        assert repeats_allowed or len(reader.handed_in) == len(reader.kept)
        assert reader.read() == []


def _subject(raw: bytes) -> bytes:
    return next(line for line in raw.split(b"\n") if line.startswith(b"Subject:"))


@given(
    st.integers(0, 2**32),
    st.integers(0, 2**32),
    st.sets(st.integers(1, 2000)),
    st.lists(st.integers(1, 2000), unique=True),
)
def test_a_state_comes_back_as_it_was(uidvalidity: int, top: int, seen: set[int], todo: list[int]) -> None:
    state = WalkState(uidvalidity, top, seen, sorted(todo), heavy=todo[0] if todo else None)
    assert WalkState.load(state.dump()) == state


@given(st.recursive(st.one_of(st.none(), st.integers(), st.text()), lambda inner: st.dictionaries(st.text(), inner)))
def test_a_state_of_another_make_is_none(data: Any) -> None:
    assert WalkState.load(data) is None


@pytest.mark.parametrize("deaths", [(), (1, 1, 2)], ids=["one pass", "killed after pages"])
def test_after_a_weekend_the_newest_mails_come_first_and_then_the_rest_in_their_order(deaths: tuple[int, ...]) -> None:
    with ImapDouble() as server:
        server.deliver(letter(1))
        reader = Reader(server.url)
        reader.read()
        for number in range(2, 132):
            server.deliver(letter(number))
        for pages in deaths:
            reader.read(stop_after=pages)
        reader.read()
        order = [int(key.split("@")[0].strip("<")) for key in reader.handed_in[1:]]
        assert order[:50] == list(range(82, 132))
        assert deaths or order[50:] == list(range(2, 82))
        assert len(reader.kept) == 131
        again = len(reader.handed_in)
        reader.read()
        assert len(reader.handed_in) == again
