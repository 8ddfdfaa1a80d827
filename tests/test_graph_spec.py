"""The double and the adapters against what lies beside the project: Meta's specifications and recorded answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from socialtriage.channels.answers import Answer
from socialtriage.channels.facebook_items import COMMENT, POST, Items
from socialtriage.channels.graph import VERSION, Graph, listing
from socialtriage.channels.graph_chat import Chat
from socialtriage.channels.graph_errors import Missing, TooMuch, Usage, classifier
from socialtriage.channels.graph_json import moment, tail
from socialtriage.channels.graph_watch import Thing
from socialtriage.channels.instagram_items import Items as InstagramItems
from socialtriage.domain.errors import AuthError, ChannelError, Misconfigured, NotPermitted, RateLimited, Rejected
from tests.doubles.graph_spec import EDGES, FIELDS, parse_fields

META = Path(__file__).resolve().parents[2] / "shared" / "specs" / "meta"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
beside = pytest.mark.skipif(not META.is_dir(), reason="Meta's specifications do not lie beside the project")


def spec(name: str) -> Any:
    return json.loads((META / "api_specs" / f"{name}.json").read_text(encoding="utf-8"))


def recorded(path: str) -> Any:
    return json.loads((META / "python-facebook" / "testdata" / path).read_text(encoding="utf-8"))


@beside
def test_the_double_allows_only_what_is_specified() -> None:
    own_login = {"IGUser": ("IGUser", "IGUserForIGOnlyAPI")}
    for (node, method, edge), allowed in EDGES.items():
        found = [
            api
            for name in own_login.get(node, (node,))
            for api in spec(name)["apis"]
            if api["method"] == method and api.get("endpoint", "").strip("/") == edge
        ]
        if (node, edge) == ("Page", ""):
            continue  # reading a Page itself is not listed among its edges
        assert found, (node, method, edge)
        assert allowed <= {param["name"] for api in found for param in api["params"]}, (node, method, edge)
    for node, fields in FIELDS.items():
        known = {field["name"] for name in own_login.get(node, (node,)) for field in spec(name)["fields"]}
        assert fields - {"category"} <= known | {"id"}, node


def test_what_is_asked_for_is_specified() -> None:
    assert set(parse_fields(COMMENT)) <= FIELDS["Comment"]
    assert set(parse_fields(POST)) - {"attachments"} <= FIELDS["PagePost"]
    assert VERSION == "v26.0"


@beside
def test_recorded_comments_become_messages() -> None:
    items = Items("19292868552", lambda: NOW, lambda ids: {})
    thing = Thing("10158407654328553", "19292868552_10158407654328553", "", NOW)
    page = listing(recorded("facebook/apidata/comments/comments_p1.json"))
    found = [items.comment(raw, thing) for raw in page.entries]
    assert page.after is not None
    assert "access_token" not in page.after
    assert all(found)
    # Ids are withheld in this answer; the links hold them.
    first, *_, nested = [item for item in found if item is not None and "reply_comment_id" in str(item.url)] * 2
    assert first.thread == first.parent != first.remote_id
    assert nested.at.tzinfo is not None
    assert len({item.remote_id for item in found if item}) == len(found)
    whole = recorded("facebook/apidata/comments/comment_info.json")
    one = items.comment(whole, Thing("1", "1_10158371815748553", "", NOW))
    assert one is not None
    assert (one.remote_id, one.text) == (whole["id"], "This is really nice")


@beside
def test_recorded_messages_and_conversations_become_messages() -> None:
    chat = Chat(None, "2121008874780932", "messenger", {"2121008874780932"}, "messenger", NOW)  # type: ignore[arg-type]
    for name in ("facebook/apidata/messages/message_info.json", "facebook/models/message.json"):
        item = chat.item(recorded(name), "t_587956915396498")
        assert item is not None
        assert not item.own
        assert item.media[0].kind == "image"
        assert item.reply_data["to"] == "2711636948859886"
    conversation = recorded("facebook/apidata/conversations/cvs_info.json")
    assert moment(conversation["updated_time"]) == datetime(2021, 7, 23, 9, 28, 50, tzinfo=UTC)


@beside
def test_recorded_answers_of_instagram_become_messages() -> None:
    items = InstagramItems(frozenset({"1784", "ikroskun"}), lambda: NOW)
    thing = Thing("1", "1", "", NOW)
    ours = items.comment(recorded("instagram/apidata/comments/comment_fields.json"), thing, None)
    assert ours is not None
    assert ours.own
    page = listing(recorded("instagram/apidata/medias/comments_p1.json"))
    found = [items.comment(raw, thing, None) for raw in page.entries]
    # Without their authors' names these are different people.
    assert len({item.author.key for item in found if item}) == 2
    tags = listing(recorded("instagram/apidata/users/tagged_medias.json"))
    assert all(items.tag(raw) for raw in tags.entries)


@beside
def test_recorded_errors_are_understood() -> None:
    usage = Usage()
    classify = classifier(usage, "secret-token")

    def meaning(body: object) -> ChannelError | None:
        data = json.dumps(body).encode()
        return classify(Answer("GET", "https://graph.facebook.com/v26.0/x", 400, {}, data))

    assert isinstance(meaning(recorded("error.json")), Rejected)
    assert isinstance(meaning(recorded("base/error_data.json")), Rejected)
    mock = (META / "koala" / "mock_facebook_responses.yml").read_text(encoding="utf-8")
    assert "OAuthException" in mock
    assert isinstance(
        meaning({"error": {"type": "OAuthException", "message": "Error validating access token."}}), AuthError
    )


@pytest.mark.parametrize(
    ("code", "subcode", "error"),
    [
        *[(190, subcode, AuthError) for subcode in (458, 459, 460, 463, 464, 467, 492, None)],
        (102, None, AuthError),
        (190, 2069032, Misconfigured),
        (210, None, Misconfigured),
        (1705, None, Misconfigured),
        *[(code, None, NotPermitted) for code in (3, 10, 200, 250, 299)],
        *[(code, None, RateLimited) for code in (4, 17, 32, 341, 613, 80001, 80002, 80006)],
        (100, 33, Missing),
        (803, None, Missing),
        (100, None, Rejected),
        (10, 2018278, Rejected),
    ],
)
def test_codes_mean_what_meta_says(code: int, subcode: int | None, error: type[ChannelError]) -> None:
    body = {"error": {"message": "Malformed access token secret-token", "code": code, "error_subcode": subcode}}
    answer = Answer("GET", "https://graph.facebook.com/v26.0/x", 400, {}, json.dumps(body).encode())
    found = classifier(Usage(), "secret-token")(answer)
    assert type(found) is error or isinstance(found, error)
    assert "secret-token" not in str(found)
    if code == 100 and subcode is None:
        assert not isinstance(found, Missing)


def test_allowances_are_read_from_every_header() -> None:
    usage = Usage()
    usage.read({"x-app-usage": '{"call_count": 28, "total_time": "91", "total_cputime": null}'})
    assert usage.of("pages") == 91
    entry = '{"type": "messenger", "call_count": 12, "estimated_time_to_regain_access": 7}'
    usage.read({"x-business-use-case-usage": f'{{"1": [{entry}, 5], "2": "no", "3": []}}', "x-app-usage": "not json"})
    assert usage.percent["messenger"] == 12
    assert usage.wait("messenger").total_seconds() == 7 * 60
    usage.read({"x-app-usage": "[1]", "x-business-use-case-usage": '{"1": [{"type": "pages", "call_count": 1e999}]}'})
    assert usage.percent["pages"] == 0
    answer = Answer(
        "GET", "https://x/y", 500, {}, b'{"error": {"code": 1, "message": "Please reduce the amount of data"}}'
    )
    assert isinstance(classifier(usage, "")(answer), TooMuch)


def test_an_id_never_leads_to_another_place() -> None:
    ctx = SimpleNamespace(account=SimpleNamespace(server=None), http=SimpleNamespace(session=MagicMock()), budget=None)
    graph = Graph(ctx, "token")  # type: ignore[arg-type]
    assert graph._path("m_a/b?c#d") == "/v26.0/m_a%2Fb%3Fc%23d"
    assert graph._path("1_2/comments") == "/v26.0/1_2/comments"
    assert graph._path("../me/accounts") == "/v26.0/..%2Fme/accounts"
    with pytest.raises(Missing):
        graph._path("..")


def test_both_spellings_end_alike() -> None:
    assert tail("245778718206154_229887283291835") == tail("229887283291835") == "229887283291835"
