"""Sending one mail: whatever the server does at whatever moment, what we say of it afterwards is true."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from socialtriage.domain.errors import ConfigError, MailDeferred, MailError, MailRefused, MailUnknown, SecretError
from socialtriage.mail.address import ServerUrl
from socialtriage.mail.smtp import SmtpSender
from tests.doubles.smtp import Drop, Hang, Say, SmtpDouble, Step
from tests.doubles.tls import Authority

PASSWORD = "hunter2-ŵyn"
Double = Callable[..., SmtpDouble]


@dataclass(frozen=True)
class Mail:
    """As much of a mail as a sender needs."""

    sender: str = "social@anytown.example"
    recipients: tuple[str, ...] = ("waste@anytown.example",)
    data: bytes = b"Subject: one\r\n\r\nHello\r\n.\r\n..two\r\nFrom here\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def double(authority: Authority) -> Iterator[Double]:
    """Starts doubles with STARTTLS, a good certificate and one user; all are stopped in the end."""
    with ExitStack() as stack:

        def start(**settings: Any) -> SmtpDouble:
            settings.setdefault("certificate", authority.issue())
            settings.setdefault("credentials", {"social": PASSWORD})
            return stack.enter_context(SmtpDouble(**settings))

        yield start


def sender(
    server: SmtpDouble, authority: Authority | None, *, user: str | None = "social", **settings: Any
) -> SmtpSender:
    """A sender to the double, trusting `authority`."""
    secret = settings.pop("secret", PASSWORD)
    url = ServerUrl.parse(server.url(user, settings.pop("host", "127.0.0.1")))
    return SmtpSender(url, lambda: secret, ca_file=str(authority.ca_file) if authority else None, **settings)


@pytest.fixture
def council_name(monkeypatch: pytest.MonkeyPatch) -> str:
    """A host that is not loopback by its name, though its address is: what a council's server looks like to us."""
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        return real("127.0.0.1" if host == "mail.anytown.example" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return "mail.anytown.example"


def failure(act: Callable[[], object]) -> MailError:
    """The error that `act` ends with: one sentence that names the server and never the password."""
    with pytest.raises(MailError) as caught:
        act()
    error = caught.value
    assert "127.0.0.1:" in str(error) or "mail.anytown.example:" in str(error)
    chain: BaseException | None = error
    while chain is not None:
        assert "hunter2" not in f"{chain} {chain!r}"
        chain = chain.__cause__ or chain.__context__
    assert str(error).isprintable()
    return error


def test_a_mail_leaves_by_starttls_with_a_sign_in_and_arrives_as_it_was(double: Double, authority: Authority) -> None:
    server = double()
    answer = sender(server, authority).send(Mail())
    assert answer == "250 2.0.0 Ok: queued as 1"
    (mail,) = server.mails
    assert (mail.sender, mail.recipients) == ("social@anytown.example", ["waste@anytown.example"])
    assert mail.data == Mail().data
    assert (mail.user, mail.tls) == ("social", True)
    assert mail.options == f"SIZE={len(Mail().data)}"
    assert server.commands[0] == "ehlo [127.0.0.1]"
    assert server.commands[1] == "STARTTLS"
    assert server.commands[-1] == "QUIT"


def test_a_mail_leaves_by_tls_from_the_first_byte(double: Double, authority: Authority) -> None:
    server = double(implicit_tls=True)
    sender(server, authority).send(Mail())
    assert server.mails[0].tls
    assert "STARTTLS" not in server.commands


def test_a_relay_on_this_machine_needs_neither_tls_nor_a_sign_in(double: Double) -> None:
    server = double(certificate=None, credentials={})
    sender(server, None, user=None).send(Mail())
    assert not server.mails[0].tls
    assert not any(command.startswith("AUTH") for command in server.commands)


@pytest.mark.parametrize("auth", ["PLAIN", "LOGIN", "LOGIN PLAIN"])
def test_a_password_signs_in_by_what_the_server_offers(double: Double, authority: Authority, auth: str) -> None:
    server = double(auth=auth)
    sender(server, authority).send(Mail())
    assert server.mails[0].user == "social"


def test_an_oauth_secret_signs_in_by_its_token(double: Double, authority: Authority) -> None:
    server = double(credentials={"social": "a-token"})
    secret = json.dumps({"access_token": "a-token", "refresh_token": "r"})
    sender(server, authority, secret=secret).send(Mail())
    assert server.mails[0].user == "social"
    stale = json.dumps({"access_token": "hunter2-old"})
    error = failure(lambda: sender(server, authority, secret=stale).send(Mail()))
    assert isinstance(error, MailRefused)
    assert "accounts login mail.smtp" in error.hint
    with pytest.raises(SecretError, match="access_token"):
        sender(server, authority, secret='{"refresh_token": "r"}').send(Mail())


def test_a_wrong_password_is_refused_once_and_says_what_to_do(double: Double, authority: Authority) -> None:
    server = double()
    error = failure(lambda: sender(server, authority, secret="hunter2-wrong").send(Mail()))
    assert isinstance(error, MailRefused)
    assert error.message == (
        f"127.0.0.1:{server.port} did not accept the sign-in of social: 535 5.7.8 Authentication credentials invalid"
    )
    assert "accounts login mail.smtp" in error.hint
    assert sum(command.startswith("AUTH") for command in server.commands) == 1
    assert not any(command.startswith("MAIL") for command in server.commands)


def test_a_server_that_repeats_the_password_does_not_get_it_onto_the_screen(
    double: Double, authority: Authority
) -> None:
    server = double()
    server.on("auth", Say(f"535 no such password {PASSWORD}"))
    assert "no such password …" in failure(lambda: sender(server, authority).send(Mail())).message


def test_a_sign_in_that_cannot_be_checked_now_waits(double: Double, authority: Authority) -> None:
    server = double()
    server.on("auth", Say("454 4.7.0 Temporary authentication failure"))
    error = failure(lambda: sender(server, authority).send(Mail()))
    assert isinstance(error, MailDeferred)
    assert "454 4.7.0" in str(error)


def test_a_server_without_a_way_to_sign_in_is_refused(double: Double, authority: Authority) -> None:
    assert "it offers none" in str(failure(lambda: sender(double(credentials={}), authority).send(Mail())))
    assert "it offers GSSAPI" in str(failure(lambda: sender(double(auth="GSSAPI"), authority).send(Mail())))


# --- before the dot: nothing was sent ------------------------------------------------------------------------

BEFORE = ["greeting", "ehlo", "auth", "mail", "rcpt", "data", "body"]
LONG = Mail(data=b"Subject: long\r\n\r\n" + b"x" * 76 + b"\r\n" + (b"y" * 76 + b"\r\n") * 100_000)


@pytest.mark.parametrize("stage", BEFORE)
@pytest.mark.parametrize(
    ("reply", "kind"),
    [("450 4.2.0 Busy", MailDeferred), ("421 4.3.2 Going down", MailDeferred), ("554 5.7.1 No", MailRefused)],
)
def test_a_no_before_the_dot_is_the_servers_no(
    double: Double, authority: Authority, stage: str, reply: str, kind: type[MailError]
) -> None:
    server = double(implicit_tls=stage == "ehlo")
    server.on(stage, Say(reply))
    error = failure(lambda: sender(server, authority).send(LONG))
    # A server that speaks while the mail is coming may be heard, or only be found to have hung up.
    assert isinstance(error, kind if stage != "body" else (kind, MailDeferred))
    assert stage == "body" or reply in str(error)
    assert server.mails == []


LOST = [(stage, step) for stage in (*BEFORE, "starttls", "tls") for step in (Drop(), Hang())]
SENSELESS = [(stage, Say(words)) for stage in (*BEFORE[:-1], "starttls") for words in ("what?", "999", "")]


@pytest.mark.parametrize(("stage", "step"), [*LOST, *SENSELESS], ids=repr)
def test_a_lost_silent_or_senseless_server_before_the_dot_is_tried_again(
    double: Double, authority: Authority, stage: str, step: Step
) -> None:
    server = double()
    server.always(stage, step)
    quick = sender(server, authority, timeout=0.4, data_timeout=0.4)
    assert isinstance(failure(lambda: quick.send(LONG)), MailDeferred)
    assert server.mails == []


def test_a_data_command_that_is_answered_with_a_yes_sends_nothing(double: Double, authority: Authority) -> None:
    server = double()
    server.on("data", Say("250 2.0.0 Ok"))
    assert isinstance(failure(lambda: sender(server, authority).send(Mail())), MailDeferred)


def test_a_server_that_is_not_there_is_tried_again(authority: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for scheme in ("smtp", "smtps"):
        nobody = SmtpSender(ServerUrl.parse(f"{scheme}://127.0.0.1:{port}"), str, ca_file=str(authority.ca_file))
        error = failure(lambda nobody=nobody: nobody.send(Mail()))  # type: ignore[misc]
        assert isinstance(error, MailDeferred)
        assert "refused" in error.message


def test_a_name_that_does_not_resolve_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    lost = SmtpSender(ServerUrl.parse("smtps://mail.anytown.example"), str)
    error = failure(lambda: lost.send(Mail()))
    assert isinstance(error, MailDeferred)
    assert error.message == "The mail server mail.anytown.example:465 cannot be found."


# --- between the dot and its answer: nobody knows ------------------------------------------------------------


@pytest.mark.parametrize(
    "step", [Drop(keep=True), Drop(), Hang(keep=True), Hang(), Say("what?"), Say("354 Go on")], ids=repr
)
def test_an_answer_that_is_lost_after_the_dot_is_unknown(double: Double, authority: Authority, step: Step) -> None:
    server = double()
    server.on("dot", step)
    error = failure(lambda: sender(server, authority, data_timeout=0.4).send(Mail()))
    assert isinstance(error, MailUnknown)
    assert "Look whether it arrived" in error.hint
    if getattr(step, "keep", False):
        server.wait_for(1)
    else:
        assert server.mails == []


@pytest.mark.parametrize(("reply", "kind"), [("451 4.3.0 Queue full", MailDeferred), ("554 5.6.0 Spam", MailRefused)])
def test_a_no_to_the_dot_is_the_servers_no(
    double: Double, authority: Authority, reply: str, kind: type[MailError]
) -> None:
    server = double()
    server.on("dot", Say(reply))
    error = failure(lambda: sender(server, authority).send(Mail()))
    assert type(error) is kind
    assert reply in error.message


# --- after the yes: sent -------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [Drop(), Say("500 What?"), Say("")], ids=repr)
def test_a_failing_goodbye_does_not_unsend_a_mail(double: Double, authority: Authority, step: Step) -> None:
    server = double()
    server.on("quit", step)
    assert sender(server, authority).send(Mail()).startswith("250 ")
    assert len(server.mails) == 1


# --- recipients and addresses --------------------------------------------------------------------------------


def test_one_refused_recipient_keeps_the_mail_from_all_and_every_one_is_named(
    double: Double, authority: Authority
) -> None:
    server = double()
    server.refuse("gone@anytown.example")
    server.refuse("full@anytown.example", "452 4.2.2 Mailbox full")
    server.refuse("left@anytown.example", "551 5.1.6 Moved")
    mail = Mail(recipients=("waste@anytown.example", *(f"{n}@anytown.example" for n in ("gone", "full", "left"))))
    error = failure(lambda: sender(server, authority).send(mail))
    assert isinstance(error, MailRefused)
    assert "gone@anytown.example: 550 5.1.1 User unknown; left@anytown.example: 551 5.1.6 Moved" in error.message
    error = failure(lambda: sender(server, authority).send(replace(mail, recipients=("full@anytown.example",))))
    assert isinstance(error, MailDeferred)
    assert server.mails == []


def test_a_wide_address_takes_smtputf8_and_a_server_without_it_is_named(double: Double, authority: Authority) -> None:
    mail = Mail(recipients=("gŵyn@bücher.example",), data="To: <gŵyn@xn--bcher-kva.example>\r\n\r\nx\r\n".encode())
    server = double()
    sender(server, authority).send(mail)
    assert server.mails[0].recipients == ["gŵyn@xn--bcher-kva.example"]
    assert server.mails[0].options.endswith("BODY=8BITMIME SMTPUTF8")
    old = double(features=("8BITMIME",))
    error = failure(lambda: sender(old, authority).send(mail))
    assert isinstance(error, MailRefused)
    assert "cannot carry the address gŵyn@xn--bcher-kva.example" in error.message


def test_smtputf8_is_not_asked_for_without_need(double: Double, authority: Authority) -> None:
    server = double()
    sender(server, authority).send(replace(Mail(), recipients=("plain@bücher.example",)))
    assert server.mails[0].recipients == ["plain@xn--bcher-kva.example"]
    assert "SMTPUTF8" not in server.mails[0].options


@pytest.mark.parametrize("address", ["a@b>\r\nRCPT TO:<c@d", "a b@c.example", "", "a@b> SIZE=1"])
def test_no_command_can_be_made_of_an_address(double: Double, authority: Authority, address: str) -> None:
    server = double()
    for mail in (Mail(sender=address), Mail(recipients=(address,))):
        with pytest.raises(ConfigError):
            sender(server, authority).send(mail)
    assert server.connections == 0


def test_line_ends_and_dots_cannot_end_a_mail_early(double: Double, authority: Authority) -> None:
    server = double()
    smuggled = b"Subject: x\n\nHello\n.\nMAIL FROM:<a@b>\r.\r\n.\r\n\r.\n"
    sender(server, authority).send(Mail(data=smuggled))
    assert server.mails[0].data == b"Subject: x\r\n\r\nHello\r\n.\r\nMAIL FROM:<a@b>\r\n.\r\n.\r\n\r\n.\r\n"
    assert len(server.mails) == 1


def test_a_mail_that_the_server_would_not_take_is_not_offered(double: Double, authority: Authority) -> None:
    server = double(features=("SIZE 20000",))
    error = failure(lambda: sender(server, authority).send(Mail(data=b"x" * 40_000)))
    assert isinstance(error, MailRefused)
    assert "takes mails of up to 19 kB; this one has 39 kB" in error.message
    sender(double(features=("SIZE 0",)), authority).send(Mail(data=b"x" * 40_000))
    sender(double(features=("SIZE",)), authority).send(Mail(data=b"x" * 40_000))


def test_a_server_that_wants_a_sign_in_says_where_the_user_goes(double: Double, authority: Authority) -> None:
    server = double()
    server.on("mail", Say("530 5.7.0 Authentication required"))
    error = failure(lambda: sender(server, authority, user=None).send(Mail()))
    assert isinstance(error, MailRefused)
    assert "smtps://user@host" in error.hint


# --- TLS -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("implicit_tls", [True, False])
def test_a_bad_certificate_stops_everything_before_the_password(
    double: Double, authority: Authority, tmp_path: Path, implicit_tls: bool
) -> None:
    strangers = Authority(tmp_path, "Somebody Else")
    faults = {
        "certificate has expired": authority.issue("old", expired=True),
        "is not valid for '127.0.0.1'": authority.issue("elsewhere", ("mail.elsewhere.example",)),
        "self-signed certificate": strangers.issue("stranger"),
    }
    for words, certificate in faults.items():
        server = double(certificate=certificate, implicit_tls=implicit_tls)
        error = failure(lambda server=server: sender(server, authority).send(Mail()))  # type: ignore[misc]
        assert isinstance(error, MailDeferred)
        assert words in error.message
        assert "ca_file" in error.hint
        assert not any(command.startswith("AUTH") for command in server.commands)


def test_a_private_authority_is_trusted_only_where_it_is_named(double: Double, authority: Authority) -> None:
    assert "certificate" in failure(lambda: sender(double(), None).send(Mail())).message


def test_a_certificate_file_that_is_not_there_is_a_mistake_of_the_configuration(double: Double, tmp_path: Path) -> None:
    url = ServerUrl.parse(double(implicit_tls=True).url("social"))
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("missing.pem", "empty.pem"):
        broken = SmtpSender(url, lambda: PASSWORD, ca_file=str(tmp_path / name))
        with pytest.raises(ConfigError, match=name):
            broken.verify()


def test_over_a_network_nothing_is_said_without_tls(double: Double, authority: Authority, council_name: str) -> None:
    server = double(starttls=False)
    error = failure(lambda: sender(server, authority, host=council_name).send(Mail()))
    assert isinstance(error, MailDeferred)
    assert "offers no TLS" in error.message
    assert [command.partition(" ")[0] for command in server.commands] == ["ehlo", "QUIT"]


def test_over_a_network_a_refused_starttls_is_the_end(double: Double, authority: Authority, council_name: str) -> None:
    server = double(certificate=authority.issue("council", (council_name,)))
    server.on("starttls", Say("454 4.7.0 TLS not available"))
    error = failure(lambda: sender(server, authority, host=council_name).send(Mail()))
    assert isinstance(error, MailDeferred)
    assert "454 4.7.0" in error.message
    assert not any(command.startswith("AUTH") for command in server.commands)
    sender(server, authority, host=council_name).send(Mail())
    assert server.mails[0].tls


def test_words_smuggled_in_before_tls_are_forgotten(double: Double, authority: Authority) -> None:
    server = double()
    server.on("starttls", Say("220 Go\n235 2.7.0 Welcome\n250 2.0.0 Ok"))
    error = failure(lambda: sender(server, authority, secret="hunter2-wrong").send(Mail()))
    assert isinstance(error, MailError)
    assert server.mails == []


def test_tls_on_the_wrong_kind_of_port_says_so(double: Double, authority: Authority) -> None:
    plain = double()
    wrong = SmtpSender(f"smtps://127.0.0.1:{plain.port}", str, ca_file=str(authority.ca_file))
    error = failure(lambda: wrong.send(Mail()))
    assert isinstance(error, MailDeferred)
    assert "smtps:// is for ports that begin with TLS" in error.hint


# --- check ---------------------------------------------------------------------------------------------------


def test_a_check_signs_in_and_sends_nothing(double: Double, authority: Authority) -> None:
    server = double()
    words = sender(server, authority).verify()
    assert words == f"127.0.0.1:{server.port} answers, TLSv1.3, signed in as social"
    assert not any(command.startswith(("MAIL", "RCPT", "DATA")) for command in server.commands)
    assert server.commands[-2:] == ["NOOP", "QUIT"]
    bare = double(certificate=None, credentials={})
    assert sender(bare, None, user=None).verify().endswith("answers, plain text on this machine, no sign-in")


def test_a_check_finds_what_a_mail_would_find(double: Double, authority: Authority) -> None:
    server = double()
    server.on("noop", Say("421 4.3.2 Going down"))
    assert isinstance(failure(sender(server, authority).verify), MailDeferred)
    assert isinstance(failure(sender(server, authority, secret="hunter2-wrong").verify), MailRefused)


def test_a_secret_that_cannot_be_had_stops_before_any_connection(double: Double, authority: Authority) -> None:
    server = double()

    def locked() -> str:
        raise SecretError("The keyring is locked.")

    with pytest.raises(SecretError, match="locked"):
        SmtpSender(ServerUrl.parse(server.url("social")), locked, ca_file=str(authority.ca_file)).send(Mail())
    assert server.connections == 0
    for nothing in ("", None):
        with pytest.raises(SecretError, match=r"No password for social at 127\.0\.0\.1:\d+ is in the keyring"):
            sender(server, authority, secret=nothing).send(Mail())
    assert server.connections == 0
    with pytest.raises(MailDeferred):
        SmtpSender(ServerUrl.parse("smtp://127.0.0.1:1"), locked).send(Mail())


def test_hostile_words_of_a_server_cannot_steer_a_terminal(double: Double, authority: Authority) -> None:
    server = double()
    server.on("rcpt", Say("550 \x1b]0;owned\x07\u202e" + "long " * 500))
    error = failure(lambda: sender(server, authority).send(Mail()))
    assert len(error.message) < 500
