"""Addresses of servers: what they mean, and that a faulty one is never repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialtriage.domain.endpoints import MailEndpoint, check_page, check_server, is_loopback, mail_endpoint


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("smtps://social@mail.example:465", MailEndpoint("smtp", "mail.example", 465, "social", "INBOX", True, False)),
        ("smtps://mail.example", MailEndpoint("smtp", "mail.example", 465, None, "INBOX", True, False)),
        (
            "smtp://a%40b.example@mail.example",
            MailEndpoint("smtp", "mail.example", 587, "a@b.example", "INBOX", False, True),
        ),
        (
            "smtp://a@b.example@mail.example/",
            MailEndpoint("smtp", "mail.example", 587, "a@b.example", "INBOX", False, True),
        ),
        ("smtp://u@127.0.0.2:2525", MailEndpoint("smtp", "127.0.0.2", 2525, "u", "INBOX", False, False)),
        (
            "IMAPS://u@Mail.Example/Shared%2FDesk",
            MailEndpoint("imap", "mail.example", 993, "u", "Shared/Desk", True, False),
        ),
        ("imap://u@[::1]:1143/INBOX", MailEndpoint("imap", "::1", 1143, "u", "INBOX", False, False)),
        ("imap://u@mail.example", MailEndpoint("imap", "mail.example", 143, "u", "INBOX", False, True)),
    ],
)
def test_a_mail_address_says_where_who_and_how(url: str, endpoint: MailEndpoint) -> None:
    assert mail_endpoint(url) == endpoint


@given(st.sampled_from(["smtps://", "imap://", "smtp", ""]), st.text(max_size=40))
def test_a_faulty_address_is_judged_without_repeating_it(scheme: str, rest: str) -> None:
    secret = "Hunter2Hunter2"
    for check in (mail_endpoint, check_server, check_page):
        told = ""
        try:
            check(f"{scheme}u:{secret}{rest}")
        except ValueError as exc:
            told = str(exc)
        assert secret.lower() not in told.lower()


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_this_machine_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["127.0.0.1.example", "localhost.example", "192.168.0.1", "10.0.0.1", "", None, "2130706433"]
)
def test_other_machines_are_not_this_one(host: str | None) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1.example", "http://localhost@evil.example", "ftp://localhost", "https:///x"]
)
def test_a_server_only_looks_like_this_machine(url: str) -> None:
    with pytest.raises(ValueError, match=r"must|names"):
        check_server(url)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a b.example", "https://", "file:///etc/passwd"])
def test_a_page_for_residents_is_on_the_web(url: str) -> None:
    with pytest.raises(ValueError, match=r"must|names"):
        check_page(url)
    check_page("https://www.anytown.example/bins?from=desk#new")
