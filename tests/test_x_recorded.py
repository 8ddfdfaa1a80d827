"""What X really sent, and what its specifications allow: recorded answers parse, requests are valid in both
dialects."""

from __future__ import annotations

import asyncio
import gzip
import json
import unicodedata
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from socialtriage.channels import x_api
from socialtriage.channels.x import X
from socialtriage.channels.x_items import Includes, Translator, items_of, read_post
from socialtriage.channels.x_text import DEFAULT_WEIGHT, LIGHT, LIMIT, URL_LENGTH, weight
from socialtriage.config.model import AccountConfig
from socialtriage.domain.models import OutgoingFile, OutgoingPost
from tests.doubles.channel_desk import NOON, FixedSecret, SmallDesk, answer_to
from tests.doubles.x import XServer

SPECS = Path(__file__).resolve().parents[2] / "shared" / "specs" / "x"
pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason="the vendor's specifications are not beside the project")
DIALECTS = {"tweet": "openapi-2.165-20260603.json", "post": "openapi-2.167-20260822.json"}


def bodies() -> list[tuple[str, dict[str, Any]]]:
    """Method and address with the JSON of each recorded answer."""
    found = []
    for file in sorted((SPECS / "tweepy_cassettes").glob("test_client*.yaml")) + sorted(
        (SPECS / "tweepy_cassettes").glob("test_manage*.yaml")
    ):
        for exchange in yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["interactions"]:
            raw = exchange["response"]["body"].get("string") or b""
            data = raw if isinstance(raw, bytes) else raw.encode()
            data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
            if data:
                found.append((f"{exchange['request']['method']} {exchange['request']['uri']}", json.loads(data)))
    return found


def test_recorded_posts_and_direct_messages_are_read() -> None:
    posts = events = 0
    translator = Translator("783214", "Twitter")
    for what, answer in bodies():
        beside = Includes.read(answer)
        for item in items_of(answer):
            if "dm_events" in what:
                message = translator.direct(item, beside)
                assert message is not None
                events += 1
            elif "/mentions" in what or ("/tweets" in what.split("?")[0] and "text" in item):
                post = read_post(item)
                assert post is not None
                message = translator.message(post, beside)
                assert message.remote_id == item.get("edit_history_tweet_ids", [item["id"]])[0]
                assert message.text
                assert message.at.year >= 2020
                posts += 1
    assert posts >= 30
    assert events >= 4


def test_samples_of_the_activity_stream_are_read() -> None:
    samples = json.loads((SPECS / "activity-event-payloads.json").read_text())
    text = json.dumps(samples)
    assert "post.mention.create" in text
    found = [node for node in _walk(samples) if isinstance(node.get("id"), str) and isinstance(node.get("text"), str)]
    assert [post.text for post in map(read_post, found) if post is not None]


def _walk(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, str) and node[:1] in "[{":
        try:
            node = json.loads(node)
        except ValueError:
            return []
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return ([node] if isinstance(node, dict) else []) + [found for each in inner for found in _walk(each)]


def test_weights_are_those_of_the_published_configuration() -> None:
    config = json.loads((SPECS / "twitter-text-configs.json").read_text())["version3"]
    assert (config["maxWeightedTweetLength"], config["transformedURLLength"]) == (LIMIT, URL_LENGTH)
    assert config["defaultWeight"] == DEFAULT_WEIGHT * config["scale"]
    assert [(r["start"], r["end"]) for r in config["ranges"]] == list(LIGHT)
    assert {r["weight"] for r in config["ranges"]} == {config["scale"]}
    for point in (65, 4351, 4352, 8192, 8205, 8206, 8207, 8208, 8223, 8224, 8242, 8247, 8248, 0x4E00):
        char = chr(point)
        if unicodedata.normalize("NFC", char) == char:
            light = any(r["start"] <= point <= r["end"] for r in config["ranges"])
            assert weight(char) == (1 if light else 2), hex(point)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_request_is_one_that_the_specification_allows(dialect: str) -> None:
    spec = json.loads((SPECS / DIALECTS[dialect]).read_text())
    x_api._spoken.clear()
    x_api._me.clear()
    with XServer(now=NOON - timedelta(hours=1), dialects=(dialect,)) as network:
        account = AccountConfig(id="x", network="x", server=network.url, handle="@council", dialect=dialect)  # type: ignore[arg-type]
        desk = SmallDesk(X, account, FixedSecret("access-0"))
        mention = network.mention()
        private = network.direct("gwen", "hello")
        network.post("council", "ours")
        asyncio.run(desk.poll())
        network.mention()
        asyncio.run(desk.poll())
        asyncio.run(_write(desk, mention, f"dm/{private}"))
        asked = [each for each in network.requests if each.path != "/2/oauth2/token"]
    assert len(asked) > 9
    for each in asked:
        operation = _operation(spec, each.method, each.path)
        allowed = {p["name"]: p for p in (_deref(spec, p) for p in operation.get("parameters", ()))}
        for name, value in each.query.items():
            assert name in allowed, f"{each.path}: {name}"
            schema = _deref(spec, allowed[name]["schema"])
            known = _deref(spec, schema.get("items", {})).get("enum")
            assert not known or set(value.split(",")) <= set(known), f"{each.path}: {name}={value}"
        if each.method == "POST":
            schema = _deref(spec, operation["requestBody"]["content"]["application/json"]["schema"])
            names = {
                name for one in [schema, *schema.get("anyOf", ())] for name in _deref(spec, one).get("properties", {})
            }
            assert set(each.body) <= names, each.path
            for name, value in each.body.items():
                inner = _deref(spec, schema.get("properties", {}).get(name, {}))
                if isinstance(value, dict) and "properties" in inner:
                    needed, known = set(inner.get("required", ())), set(inner["properties"])
                    assert needed <= set(value) <= known, f"{each.path}: {name}"
                assert value in inner.get("enum", [value]), f"{each.path}: {name}"


async def _write(desk: SmallDesk, public: str, private: str) -> None:
    from socialtriage.channels.http import Http

    http = Http()
    try:
        channel = X(desk.context(http))
        for key in (public, private):
            file = OutgoingFile("map.png", "image/png", "A map", b"bytes")
            reply = replace(answer_to(desk.residents[key], "An answer"), files=(file,))
            await channel.send(reply)
            await channel.look_up(reply)
        await channel.post(OutgoingPost("key", "A statement", NOON))
        await channel.reread([answer_to(desk.residents[public], "x").parent])
        await channel.mute(desk.residents[public].author)
        await channel.unmute(desk.residents[public].author)
    finally:
        await http.aclose()


def _operation(spec: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    parts = path.strip("/").split("/")
    for template, operations in sorted(spec["paths"].items(), key=lambda item: item[0].count("{")):
        pieces = template.strip("/").split("/")
        fits = len(pieces) == len(parts) and all(a == b or a[0] == "{" for a, b in zip(pieces, parts, strict=True))
        if fits and method.lower() in operations:
            return dict(operations[method.lower()])
    raise AssertionError(f"the specification has no {method} {path}")


def _deref(spec: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = spec
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node
