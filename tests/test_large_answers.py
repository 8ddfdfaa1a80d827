"""Large answers of servers: their JSON is read in a thread, by short calls, and says what it says anywhere else."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialtriage.channels import answers
from socialtriage.channels.answers import LARGE, PIECE, Answer, in_pieces
from socialtriage.channels.http import Http
from socialtriage.domain.errors import BadPayload, Rejected

ROW = {
    "id": "1",
    "text": "The bins were missed again. " * 40,
    "by": {"name": "Ada \N{BUS}", "tags": ["a", 1, None, 2.5]},
}


def answer_to(body: bytes, status: int = 200) -> Answer:
    """What a session hands on of a body."""

    async def story() -> Answer:
        http = Http(transport=httpx.MockTransport(lambda _: httpx.Response(status, content=body)))
        try:
            return await http.session("https://social.example").get("/api")
        finally:
            await http.aclose()

    return asyncio.run(story())


def test_a_large_body_is_decoded_off_the_event_loop_by_short_calls_and_a_small_one_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[int, int]] = []

    def noted(body: bytes) -> Any:
        calls.append((threading.get_ident(), len(body)))
        return msgspec.json.decode(body)

    monkeypatch.setattr(answers, "decoded", noted)
    large = {"data": [ROW] * 1_000, "paging": {"next": "x"}}
    body = json.dumps(large).encode()
    assert len(body) > 4 * LARGE
    assert answer_to(body).json() == large
    assert threading.get_ident() not in {thread for thread, _ in calls}
    assert max(size for _, size in calls) <= PIECE

    calls.clear()
    assert answer_to(json.dumps([ROW]).encode()).json() == [ROW]
    assert [thread for thread, _ in calls] == [threading.get_ident()]


@pytest.mark.parametrize("broken", [b'{"a": [', b'["a", }', b"[1, 2"], ids=["cut", "wrong", "cut list"])
def test_a_large_body_that_is_not_json_is_a_bad_payload_as_any_other(broken: bytes) -> None:
    answer = answer_to(broken + b'"' + b"x" * LARGE * 2)
    with pytest.raises(BadPayload, match="not JSON"):
        answer.json()


def test_a_large_body_of_an_error_is_not_searched_for_words() -> None:
    with pytest.raises(Rejected, match="answered 422"):
        answer_to(json.dumps({"error": "x" * LARGE * 2}).encode(), 422)


def test_half_a_surrogate_spoils_its_own_piece_only() -> None:
    body = b'{"data": [' + b",".join([json.dumps(ROW).encode()] * 400 + [b'{"text": "half \\ud83d"}']) + b"]}"
    rows = answer_to(body).json()["data"]
    assert rows[:400] == [ROW] * 400
    assert rows[400] == {"text": "half \N{REPLACEMENT CHARACTER}"}


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=6),
    max_leaves=30,
)


@settings(max_examples=60, deadline=None)
@given(value=_JSON, indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
def test_taken_apart_or_whole_a_text_says_the_same(value: Any, indent: int | None, ascii_only: bool) -> None:
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    with pytest.MonkeyPatch.context() as small:
        small.setattr(answers, "PIECE", 4)
        small.setattr(answers, "TINY", 0)
        assert in_pieces(body) == msgspec.json.decode(body) == json.loads(body)
