"""Finding mentions, addresses and hashtags in what we write, as facets: places are counted in UTF-8 bytes.

Without a facet an address is plain text and a mention tells nobody. The rules are those of Bluesky's own software
(bluesky-social/atproto, packages/api/src/rich-text); only its table of every top-level domain is shorter here, and it
matters only for addresses written without `https://`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Any

from socialtriage.channels.bluesky_answers import is_handle
from socialtriage.channels.lengths import graphemes

TAG_GRAPHEMES = 64

_MENTION = re.compile(r"(?:^|(?<=\s)|(?<=\())@([a-zA-Z0-9.-]+)\b")
_LINK = re.compile(
    r"(?:^|(?<=\s)|(?<=\())(https?://\S+|([a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+)\S*)", re.IGNORECASE | re.MULTILINE
)
_NO_WIDTH = "\u00ad\u2060\u200a\u200b\u200c\u200d\u20e2"
_TAG = re.compile(rf"(?:^|(?<=\s))[#＃](?!\ufe0f)([^\s{_NO_WIDTH}]+)", re.MULTILINE)
_DOMAIN_WORDS = (
    "com net org gov edu mil int info biz name pro museum coop aero jobs app dev page online site website blog news"
    " shop store cloud email social community support services help care health energy green earth land house homes"
    " school college university academy library events london wales cymru scot irish sydney melbourne city town country"
    " ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd"
    " cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge"
    " gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh"
    " ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw"
    " mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb"
    " sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk"
    " us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw example test"
)
_DOMAINS = frozenset(_DOMAIN_WORDS.split())

Resolve = Callable[[str], Awaitable[str | None]]


async def facets_of(text: str, resolve: Resolve) -> list[dict[str, Any]]:
    """Facets of `text` in the order of their places. `resolve` gives the DID of a handle, None when nobody has it."""
    found: list[tuple[int, int, dict[str, Any]]] = []
    dids: dict[str, str | None] = {}
    for match in _MENTION.finditer(text):
        handle = match.group(1).lower()
        if not is_handle(handle):
            continue
        if handle not in dids:
            dids[handle] = await resolve(handle)
        if did := dids[handle]:
            found.append((*match.span(), {"$type": "app.bsky.richtext.facet#mention", "did": did}))
    found += _links(text)
    found += _tags(text)
    facets = []
    end = 0
    for start, stop, feature in sorted(found, key=lambda item: item[:2]):
        if start < end:
            continue
        end = stop
        index = {"byteStart": _bytes(text[:start]), "byteEnd": _bytes(text[:stop])}
        facets.append({"index": index, "features": [feature]})
    return facets


def _links(text: str) -> list[tuple[int, int, dict[str, Any]]]:
    found = []
    for match in _LINK.finditer(text):
        (start, stop), domain = match.span(1), match.group(2)
        if domain and domain.rpartition(".")[2].lower() not in _DOMAINS:
            continue
        shown = match.group(1)
        if shown[-1] in ".,;:!?":
            shown = shown[:-1]
        if shown.endswith(")") and "(" not in shown:
            shown = shown[:-1]
        stop = start + len(shown)
        uri = shown if shown.lower().startswith(("http://", "https://")) else f"https://{shown}"
        if len(uri) > len("https://"):
            found.append((start, stop, {"$type": "app.bsky.richtext.facet#link", "uri": uri}))
    return found


def _tags(text: str) -> list[tuple[int, int, dict[str, Any]]]:
    found = []
    for match in _TAG.finditer(text):
        tag = _without_punctuation_at_end(match.group(1))
        if (
            not tag
            or all(char in "0123456789" or _is_punctuation(char) for char in tag)
            or graphemes(tag) > TAG_GRAPHEMES
        ):
            continue
        found.append(
            (match.start(), match.start() + 1 + len(tag), {"$type": "app.bsky.richtext.facet#tag", "tag": tag})
        )
    return found


def _without_punctuation_at_end(tag: str) -> str:
    end = len(tag)
    while end and _is_punctuation(tag[end - 1]):
        end -= 1
    return tag[:end]


def _is_punctuation(char: str) -> bool:
    return unicodedata.category(char).startswith("P")


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
