"""The OAuth fields in the keyring: a plain token or a JSON object, and never in a `repr`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialtriage.channels.secret import OAuthSecret
from socialtriage.domain.errors import AuthError

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def test_a_plain_token_is_a_login() -> None:
    secret = OAuthSecret.parse("  a-token\n")
    assert secret == OAuthSecret(access_token="a-token")
    assert not secret.expired(NOW)
    assert secret.dump() == "a-token"


def test_the_object_of_the_contract_is_read_and_written() -> None:
    text = json.dumps(
        {
            "access_token": "access",
            "refresh_token": "refresh",
            "expires_at": NOW.timestamp() + 3600,
            "client_id": "id",
            "client_secret": "secret",
            "scope": "read write",
        }
    )
    secret = OAuthSecret.parse(text)
    assert secret.expires_at == NOW + timedelta(hours=1)
    assert (secret.refresh_token, secret.client_id, secret.client_secret) == ("refresh", "id", "secret")
    assert not secret.expired(NOW)
    assert secret.expired(NOW + timedelta(minutes=59, seconds=30))
    assert json.loads(secret.dump()) == json.loads(text)
    assert OAuthSecret.parse(secret.dump()) == secret


@pytest.mark.parametrize("value", [None, "", "soon", True, [], float("inf"), -5, 0, 1e300, "NaN"])
def test_an_expiry_that_cannot_be_is_none(value: Any) -> None:
    assert OAuthSecret.parse(json.dumps({"access_token": "a", "expires_at": value})).expires_at is None


def test_an_expiry_may_be_text() -> None:
    assert OAuthSecret.parse('{"access_token": "a", "expires_at": "1795426200"}').expires_at is not None


def test_a_refresh_token_alone_is_a_login_that_has_to_be_renewed() -> None:
    assert OAuthSecret.parse('{"refresh_token": "r", "client_id": "i"}').expired(NOW)


@pytest.mark.parametrize(
    "text", ["", " \n", "{}", '{"access_token": ""}', '{"access_token": 5}', "{", '{"a": ' * 5_000]
)
def test_what_holds_no_token_is_no_login(text: str) -> None:
    with pytest.raises(AuthError) as caught:
        OAuthSecret.parse(text)
    assert "accounts login" in caught.value.hint


def test_renewing_keeps_what_is_not_handed_out_anew() -> None:
    before = OAuthSecret("old", "refresh", NOW, "id", "secret", {"scope": "read"})
    after = before.renewed({"access_token": "new", "expires_in": 7200, "token_type": "bearer"}, NOW)
    assert after == OAuthSecret("new", "refresh", NOW + timedelta(hours=2), "id", "secret", {"scope": "read"})
    rotated = after.renewed({"access_token": "newer", "refresh_token": "next"}, NOW)
    assert (rotated.refresh_token, rotated.expires_at) == ("next", None)
    with pytest.raises(AuthError):
        before.renewed({"error": "invalid_grant"}, NOW)


def test_no_field_is_in_the_repr() -> None:
    shown = repr(OAuthSecret("aaa", "bbb", NOW, "ccc", "ddd", {"eee": "fff"}))
    assert not any(part in shown for part in ("aaa", "bbb", "ccc", "ddd", "fff"))
    assert "refresh_token" in shown


@given(
    st.text(max_size=60)
    | st.dictionaries(st.text(max_size=14), st.text() | st.integers() | st.floats()).map(json.dumps)
)
def test_whatever_is_in_the_keyring_is_a_login_or_an_error(text: str) -> None:
    try:
        secret = OAuthSecret.parse(text)
    except AuthError:
        return
    assert OAuthSecret.parse(secret.dump()).access_token == secret.access_token
