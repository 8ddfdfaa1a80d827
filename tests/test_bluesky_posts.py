"""Posts as they come: hostile, broken, without names, with media, and what the reader is shown of them."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialtriage.channels.bluesky_posts import Reader, read_view, unreadable
from socialtriage.domain.models import Incoming, MediaState
from tests.doubles.bluesky import POST, BlueskyServer, digest
from tests.doubles.bluesky_desk import Desk

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ME = "did:plc:council"
URI = f"at://did:plc:gwen/{POST}/3kabcdefghijk"
ROW: dict[str, Any] = {
    "uri": URI,
    "cid": "bafyreiaaaa",
    "author": {"did": "did:plc:gwen", "handle": "gwen.example", "displayName": "Gwen", "labels": []},
    "reason": "mention",
    "record": {"$type": POST, "text": "my bin was missed", "createdAt": "2026-11-22T08:00:00Z"},
    "isRead": False,
    "indexedAt": "2026-11-22T08:00:00.000Z",
    "labels": [],
}
QUOTED = {"uri": f"at://{ME}/{POST}/3kzzzzzzzzzzz", "cid": "bafyreiq"}


@pytest.fixture
def server() -> Iterator[BlueskyServer]:
    with BlueskyServer() as server:
        yield server


def row(**changes: Any) -> dict[str, Any]:
    """The plain row with changes; `record__text=` reaches inside."""
    made = copy.deepcopy(ROW)
    for name, value in changes.items():
        where, _, last = name.rpartition("__")
        target = made[where] if where else made
        if value is ...:
            del target[last]
        else:
            target[last] = value
    return made


def message(**changes: Any) -> Incoming:
    return Reader(ME).message(read_view(row(**changes)))


def blob(name: str, mime: str = "image/jpeg") -> dict[str, Any]:
    return {"$type": "blob", "ref": {"$link": f"bafkrei{name}"}, "mimeType": mime, "size": 5}


def test_hostile_text_and_names_are_made_harmless() -> None:
    shown = message(
        record__text="hi \x1b[31m\u202e evil \ud83d\x9b]0;x", author__displayName="Gw\x1b]52;c;x\x07en\nOfficer"
    )
    for text in (shown.text, shown.author.name):
        assert not set(text) & set("\x1b\x9b\x07\u202e\ud83d")
    assert "\n" not in shown.author.name
    assert message(record__text="a" * 200_000).text.endswith("too long]")


@pytest.mark.parametrize(
    ("author", "handle", "name"),
    [
        ({"did": "did:plc:x", "handle": "x.example"}, "@x.example", "@x.example"),
        ({"did": "did:plc:x", "handle": "x.example", "displayName": ""}, "@x.example", "@x.example"),
        ({"did": "did:plc:x", "handle": "x.example", "displayName": None}, "@x.example", "@x.example"),
        ({"did": "did:plc:x", "handle": "handle.invalid", "displayName": "X"}, "did:plc:x", "X"),
        ({"did": "did:web:x.example"}, "did:web:x.example", "did:web:x.example"),
        ({"did": "did:plc:x", "handle": "not a handle/../"}, "did:plc:x", "did:plc:x"),
    ],
)
def test_people_without_name_or_confirmed_handle(author: dict[str, Any], handle: str, name: str) -> None:
    person = message(author=author).author
    assert (person.key, person.handle, person.name) == (author["did"], handle, name)


def test_a_broken_handle_makes_no_broken_address() -> None:
    shown = message(author__handle="handle.invalid")
    assert shown.url == "https://bsky.app/profile/did:plc:gwen/post/3kabcdefghijk"


def test_pictures_carry_their_description_and_an_address() -> None:
    images = [{"alt": "the bin", "image": blob("a")}, {"alt": " ", "image": blob("b", "image/png")}]
    shown = message(record__embed={"$type": "app.bsky.embed.images", "images": images})
    first, second = shown.media
    assert (first.kind, first.alt, first.mime, first.state) == ("image", "the bin", "image/jpeg", MediaState.PENDING)
    assert first.url == "https://cdn.bsky.app/img/feed_fullsize/plain/did:plc:gwen/bafkreia@jpeg"
    assert second.alt is None


def test_the_appviews_own_address_of_a_picture_is_used(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    pictures = [{"alt": "x", "image": {**blob(digest("a", 52)), "size": 10}}]
    uri = server.mention(gwen, "look", embed={"$type": "app.bsky.embed.images", "images": pictures})
    asyncio.run(desk.poll())
    assert [item.url for item in desk.stored[uri].media] == [f"{server.url}/img/0"]


def test_galleries_videos_and_a_quote_with_media() -> None:
    gallery = {"$type": "app.bsky.embed.gallery", "items": [{"alt": f"{n}", "image": blob("g")} for n in range(30)]}
    assert len(message(record__embed=gallery).media) == 20
    video = {"$type": "app.bsky.embed.video", "video": blob("v", "video/mp4"), "alt": "the flood"}
    both = {
        "$type": "app.bsky.embed.recordWithMedia",
        "media": video,
        "record": {"$type": "app.bsky.embed.record", "record": QUOTED},
    }
    view = {
        "$type": "app.bsky.embed.recordWithMedia#view",
        "media": {"$type": "app.bsky.embed.video#view", "playlist": "https://video.example/x.m3u8", "cid": "b"},
        "record": {},
    }
    shown = message(record__embed=both, embed=view)
    (item,) = shown.media
    assert (item.kind, item.alt, item.url) == ("video", "the flood", "https://video.example/x.m3u8")
    assert shown.thread == URI
    assert shown.place == "Quotes our post"
    assert "[quotes https://bsky.app/profile/did:plc:council/post/3kzzzzzzzzzzz]" in shown.text


def test_cards_and_shortened_links_show_where_they_lead() -> None:
    card = {"uri": "https://anytown.example/plan", "title": "Plan\x1b", "description": "Have your say"}
    facet = {
        "index": {"byteStart": 0, "byteEnd": 3},
        "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://evil.example/"}],
    }
    shown = message(
        record__text="https://anytown.example/pl… look",
        record__facets=[facet],
        record__embed={"$type": "app.bsky.embed.external", "external": card},
    )
    assert "[link: https://evil.example/]" in shown.text
    assert "https://anytown.example/plan]" in shown.text
    assert "\x1b" not in shown.text


def test_warnings_are_said() -> None:
    labels = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "graphic-media"}]}
    shown = message(record__labels=labels, labels=[{"val": "!warn"}, {"val": "old", "neg": True}])
    assert shown.place == "labelled !warn, graphic-media"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"record__text": 7}, "record.text"),
        ({"record__text": ...}, "record.text"),
        ({"record": "gone"}, "record"),
        ({"record": ...}, "record"),
        ({"indexedAt": "yesterday", "record__createdAt": "soon"}, "indexedAt"),
        ({"indexedAt": 5}, "indexedAt"),
    ],
)
def test_a_post_that_cannot_be_read_says_which_field(changes: dict[str, Any], field: str) -> None:
    broken = row(**changes)
    with pytest.raises(ValueError, match=field):
        read_view(broken)
    shown = unreadable(broken, field, NOW)
    assert shown is not None
    assert shown.text == f"[this message could not be read: field {field}]"
    assert (shown.remote_id, shown.author.handle) == (URI, "@gwen.example")


@pytest.mark.parametrize(
    "changes",
    [
        {"cid": ...},
        {"author__handle": ...},
        {"author__displayName": 7},
        {"author__viewer": "x"},
        {"labels": None},
        {"labels": [7, {"val": 3}]},
        {"embed": "x"},
        {"record__facets": "x"},
        {"record__facets": [7, {"features": 3}, {"features": [None, {"uri": 9}]}]},
        {"record__langs": "en"},
        {"record__langs": [7]},
        {"record__embed": []},
        {"record__embed": {"$type": "app.bsky.embed.images", "images": [None, {"image": 3, "alt": 4}]}},
        {"record__embed": {"$type": "app.bsky.embed.video"}},
        {"record__embed": {"$type": "app.bsky.embed.external", "external": {"uri": 3}}},
        {"record__embed": {"$type": "app.bsky.embed.record", "record": {"uri": "https://x"}}},
        {"record__embed": {"$type": "app.bsky.embed.of.the.future", "x": 1}},
        {"record__reply": "x"},
        {"record__reply": {"root": 3, "parent": {"uri": "at://nonsense"}}},
        {"record__labels": {"values": "x"}},
        {"record__createdAt": 3},
        {"record__createdAt": "2031-99-99"},
    ],
)
def test_what_is_broken_beside_the_text_costs_no_text(changes: dict[str, Any]) -> None:
    shown = message(**changes)
    assert shown.text.startswith("my bin was missed")
    assert shown.thread == URI


def test_a_reply_without_root_stays_below_its_parent() -> None:
    shown = message(record__reply={"parent": QUOTED})
    assert (shown.thread, shown.parent) == (QUOTED["uri"], QUOTED["uri"])


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(URI) | st.just("app.bsky.embed.images"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["$type", "uri", "record", "images", "image", "ref", "alt", "media", "features", "values", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(st.sampled_from(["text", "reply", "embed", "facets", "langs", "labels", "createdAt"]), json), json
)
def test_no_record_raises_anything_but_its_field(record: dict[str, Any], embed: Any) -> None:
    try:
        view = read_view(row(record=record, embed=embed))
    except ValueError as exc:
        said = unreadable(row(record=record), str(exc), NOW)
    else:
        said = Reader(ME).message(view)
    assert said is not None


def test_unreadable_rows_never_lose_their_page(server: BlueskyServer) -> None:
    desk, gwen = Desk(server), server.person("gwen")
    server.lexicons = None
    good = [server.mention(gwen, f"{number}") for number in range(5)]
    server.posts[good[1]].value["text"] = ["not", "text"]
    server.posts[good[2]].cid = 3  # type: ignore[assignment]
    server.posts[good[3]].indexed = {}  # type: ignore[assignment]
    broken = server.posts[good[4]]
    broken.uri = 7  # type: ignore[assignment]
    asyncio.run(desk.poll())
    unread = "[this message could not be read: field "
    assert desk.texts() == sorted(["0", f"{unread}record.text]", f"{unread}cid]", f"{unread}indexedAt]"])
    assert any("could not be read" in notice for notice in desk.notices)
