"""A configuration is read, and everything that is wrong with it is told at once, with its line."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from pathlib import Path

import pytest

from socialtriage.config.load import MAX_BYTES, load, parse
from socialtriage.config.model import Config
from socialtriage.domain.errors import ConfigError

NETWORKS = ("bluesky", "demo", "imap", "mastodon")

HEAD = """
[organisation]
name = "Anytown Borough Council"
prefix = "ABC"
"""
WASTE = """
[[contacts]]
id = "waste-team"
name = "Waste services"
email = "waste@anytown.example"
[[areas]]
id = "waste"
name = "Bins"
contacts = ["waste-team"]
self_serve = "https://anytown.example/bins"
"""


def problems(text: str, head: str = HEAD) -> list[str]:
    """What is wrong with a text, without the file's name in front."""
    with pytest.raises(ConfigError) as caught:
        parse(head + text, "c.toml", NETWORKS)
    assert all(line.startswith("c.toml") for line in caught.value.problems)
    return [line.removeprefix("c.toml") for line in caught.value.problems]


def problem(text: str, head: str = HEAD) -> str:
    """The one thing that is wrong with a text, without file and line."""
    (line,) = problems(text, head)
    return line.split(": ", 1)[1]


def account(**fields: str) -> str:
    """An account's table; values as TOML."""
    given = {"id": '"m"', "network": '"mastodon"', "server": '"https://social.example"', **fields}
    return "[[accounts]]\n" + "".join(f"{key} = {value}\n" for key, value in given.items() if value)


def test_the_least_configuration_is_a_name_and_a_prefix() -> None:
    config = parse(HEAD)
    assert config.organisation.timezone == "Europe/London"
    assert config.hours.monday == ("09:00-17:00",)
    assert config.charter.emergency.clock == "always"
    assert config.accounts == ()


def test_everything_that_the_contract_names_arrives_typed(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        HEAD
        + """
timezone = "Australia/Darwin"
holidays = "AU-NT"
[officer]
initials = "JS"
[store]
path = "~/anytown/desk.db"
[hours]
monday = ["09:00-12:00", "13:00-17:00"]
sunday = ["00:00-24:00"]
[charter]
urgent = { acknowledge = "1h", answer = "4h" }
[mail]
from = "Anytown social desk <social@anytown.example>"
smtp = "smtps://social@mail.anytown.example:465"
imap = "imaps://social@mail.anytown.example:993/INBOX"
ca_file = "ca.pem"
redact = true
[outbox]
undo = "0s"
[keyring]
allow_plaintext = true
backend = "keyrings.alt.file.PlaintextKeyring"
[keys]
preset = "aerc"
case.handoff = "F,f6"
"case.reply" = "r"
"""
        + account(area='"waste"', every='"5m"', handle='"@anytown"', paused="true", undo='"1m"')
        + WASTE
        + """
[[answers]]
id = "missed-bin"
area = "waste"
text = "Sorry. Your reference is {ref}. Report it at {link}."
for.facebook = "We log it: {ref}"
expires = 2027-03-31
""",
        encoding="utf-8",
    )
    config = load(file, NETWORKS)
    assert config.mail.from_ == "Anytown social desk <social@anytown.example>"
    assert config.mail.redact
    assert config.hours.monday == ("09:00-12:00", "13:00-17:00")
    assert config.keys == {"preset": "aerc", "case.handoff": "F,f6", "case.reply": "r"}
    assert config.accounts[0].paused
    assert config.areas[0].contacts == ("waste-team",)
    assert config.answers[0].for_ == {"facebook": "We log it: {ref}"}
    assert config.answers[0].expires == dt.date(2027, 3, 31)


def test_all_problems_come_at_once_in_the_order_of_the_file() -> None:
    text = """
nmae = "x"
[charter]
urgent = { acknowledge = "1h", answer = "4h", clok = "always" }
[[accounts]]
id = "desk"
network = "mastodn"
server = "https://social.example"
every = 5
[[contacts]]
name = "No id"
email = "who@anytown.example"
[[contacts]]
id = "waste-team"
name = "Waste"
emial = "waste@anytown.example"
deputy = "nobody"
"""
    assert problems(text) == [
        ":6: organisation.nmae: is no known key (did you mean name?)",
        ":8: charter.urgent.clok: is no known key (did you mean clock?)",
        ':11: accounts.desk.network: there is no network "mastodn" (did you mean mastodon?)',
        ":13: accounts.desk.every: must be text in quotes, not a number",
        ":14: contacts[0].id: is missing",
        ":17: contacts.waste-team.email: is missing",
        ":20: contacts.waste-team.emial: is no known key (did you mean email?)",
        ':21: contacts.waste-team.deputy: there is no contact "nobody"',
    ]


def test_a_missing_table_is_named_with_what_it_needs() -> None:
    assert problem("", head="[officer]\n") == "organisation: is missing; it needs name and prefix"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[mail]\nfrom = 5\n", "mail.from: must be text in quotes, not a number"),
        ('[mail]\nredact = "yes"\n', "mail.redact: must be true or false, without quotes, not text"),
        ("mail = 3\n", "mail: must be a table, not a number"),
        ('[hours]\nmonday = "09:00-17:00"\n', "hours.monday: must be a list such as"),
        ("[hours]\nmonday = [9]\n", "hours.monday[0]: must be text in quotes, not a number"),
        ('[accounts]\nid = "x"\n', "accounts: must be a list of tables, each under [[accounts]], not a table"),
        ("accounts = [1]\n", "accounts[0]: must be a table, not a number"),
        ("[ui]\ntheme = nan\n", "ui.theme: must be text in quotes, not a number"),
        ("[ui]\ntheme = 2026-01-01\n", "ui.theme: must be text in quotes, not a date or time"),
        (
            '[charter]\nlow = { acknowledge = "1d", answer = "3d", clock = "alwais" }\n',
            'charter.low.clock: must be "always" or "working", not "alwais" (did you mean always?)',
        ),
        ('[[answers]]\nid = "a"\ntext = "b"\nfor = "c"\n', "answers.a.for: must be a table, not text"),
        ('[[answers]]\nid = "a"\ntext = "b"\nexpires = "2027-03-31"\n', "answers.a.expires: must be a date such as"),
        ('[[answers]]\nid = "a"\ntext = "b"\nexpires = 2027-03-31T10:00:00Z\n', "answers.a.expires: must be a date"),
        ("[keys]\npreset = 1\n", "keys.preset: must be text in quotes, not a number"),
    ],
)
def test_wrong_types_are_said_in_words(text: str, where: str) -> None:
    # Top-level keys have to stand before the first table.
    found = problem(text, HEAD) if text.startswith("[") else problem(HEAD, head=text)
    assert found.startswith(where)


@pytest.mark.parametrize(
    ("prefix", "says"),
    [
        ("abc", "(did you mean ABC?)"),
        ("A", "two or three"),
        ("ABCD", "two or three"),
        ("А1", "A to Z"),
        ("AВC", "A to Z"),
    ],
)
def test_the_prefix_is_two_or_three_plain_capitals(prefix: str, says: str) -> None:
    found = problem("", head=f'[organisation]\nname = "A"\nprefix = "{prefix}"\n')
    assert found.startswith("organisation.prefix: ")
    assert says in found


@pytest.mark.parametrize("zone", ["Europe/Londn", "", "../../etc/passwd", "/etc/passwd", "Europe", "x\\u0000"])
def test_a_time_zone_that_does_not_exist_is_a_problem(zone: str) -> None:
    found = problem(f'timezone = "{zone}"\n')
    assert found.startswith("organisation.timezone: there is no time zone")
    assert ("did you mean Europe/London?" in found) == (zone == "Europe/Londn")


@pytest.mark.parametrize("code", ["GB", "GB-ENG", "AU-NT", "IE", "DE-BY", "US-DC", "FR-57"])
def test_holiday_calendars_are_countries_and_their_parts(code: str) -> None:
    assert parse(f'{HEAD}holidays = "{code}"\n').organisation.holidays == code


def test_a_holiday_calendar_of_another_shape_is_a_problem() -> None:
    assert "(did you mean GB-ENG?)" in problem('holidays = "gb_eng"\n')
    assert problem('holidays = "England"\n').startswith("organisation.holidays: must be a country")


@pytest.mark.parametrize(
    ("spans", "says"),
    [
        ('["9 to 5"]', "“9 to 5” is not a span of hours"),
        ('["17:00-09:00"]', "ends before it begins"),
        ('["09:00-24:30"]', "24:"),
        ('["13:00-17:00", "09:00-12:00"]', "write them in order"),
        ('["09:00-12:00", "11:59-17:00"]', "begins before the span in front of it ends"),
        ('["09:00-\\u001b[31m"]', "is no span of hours"),
    ],
)
def test_working_hours_are_read_as_the_clock_reads_them(spans: str, says: str) -> None:
    found = problem(f"[hours]\nmonday = {spans}\n")
    assert found.startswith("hours.monday: ")
    assert says in found
    assert "\x1b" not in found


def test_the_whole_day_is_a_span_and_neighbours_may_touch() -> None:
    text = HEAD + '[hours]\nmonday = ["00:00-24:00"]\ntuesday = ["09:00-12:00", "12:00-17:00"]\n'
    assert parse(text).hours.monday == ("00:00-24:00",)


def test_a_week_without_working_time_is_a_problem() -> None:
    days = ("monday", "tuesday", "wednesday", "thursday", "friday")
    assert problem("[hours]\n" + "".join(f"{day} = []\n" for day in days)) == (
        "hours: must leave at least one day of work in the week"
    )


def test_charter_targets_are_durations_and_an_answer_takes_no_less_than_an_acknowledgement() -> None:
    found = problems(
        """[charter]
emergency = { acknowledge = "fast", answer = "1h", clock = "always" }
urgent = { acknowledge = "4h", answer = "1h" }
normal = { acknowledge = "0m", answer = "1d" }
low = { acknowledge = "8h", answer = "1d" }
"""
    )
    assert [line.split(": ")[1] for line in found] == [
        "charter.emergency.acknowledge",
        "charter.urgent.answer",
        "charter.normal.acknowledge",
    ]


def test_ids_are_unique_and_safe() -> None:
    contact = '[[contacts]]\nid = "{}"\nname = "N"\nemail = "n@anytown.example"\n'
    found = problems("".join(contact.format(name) for name in ("a", "A", "../b", "c d", "-e", "ok.x_y-1")))
    assert len(found) == 4
    assert 'contacts.A.id: "A" is the id of contacts[0] already' in found[0]
    assert found[1].split(": ")[1] == "contacts[2].id"


def test_no_account_may_take_the_name_of_a_mail_secret() -> None:
    assert problem(account(id='"mail.smtp"')).startswith("accounts.mail.smtp.id: ")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"server": ""}, "m.server: is missing; network mastodon needs server"),
        ({"network": '"bluesky"', "server": ""}, "m.handle: is missing; network bluesky needs handle"),
        ({"network": '"imap"', "server": '"imaps://mail.example"'}, "m.user: is missing; network imap needs user"),
        ({"server": '"http://social.example"'}, "m.server: must begin with https://; http:// is for this machine only"),
        ({"server": '"social.example"'}, "m.server: must begin with https://"),
        ({"server": '"https://social.example/@anytown"'}, "m.server: must end after the host"),
        ({"server": '"https://me:hunter2@social.example"'}, "m.server: must hold no user and no password"),
        ({"server": '"https://social.example:99999"'}, "m.server: has a port"),
        ({"server": '"https://"'}, "m.server: names no host"),
        ({"area": '"wast"'}, 'm.area: there is no area "wast" (did you mean waste?)'),
        ({"every": '"5s"'}, 'm.every: must be between 10s and 1d, not "5s"'),
        ({"every": '"soon"'}, 'm.every: "soon" is no length of time'),
        ({"since": '"0d"'}, "m.since: must be between 1m and ten years"),
        ({"budget": '"1h"'}, "m.budget: must be between 1s and 10m"),
        ({"undo": '"2h"'}, "m.undo: must be between 0s and 60m"),
        ({"handle": '"a\\u202eb"'}, "m.handle: holds control characters"),
    ],
)
def test_accounts_are_looked_at_closely(fields: dict[str, str], says: str) -> None:
    found = problem(account(**fields) + WASTE)
    assert found.startswith(f"accounts.{says}")
    assert "hunter2" not in found


@pytest.mark.parametrize("server", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:9/", "https://10.0.0.1"])
def test_plain_http_is_for_this_machine_and_it_may_be_polled_fast(server: str) -> None:
    every = '"1s"' if server.startswith("http:") else '"10s"'
    assert parse(HEAD + account(server=f'"{server}"', every=every)).accounts[0].server == server


@pytest.mark.parametrize(
    "server", ["imaps://mail.example:993", "imap://mail.example", "mail.example", "127.0.0.1:1143"]
)
def test_a_mailbox_has_a_mail_server(server: str) -> None:
    text = HEAD + account(network='"imap"', server=f'"{server}"', user='"desk@anytown.example"')
    assert parse(text, networks=NETWORKS).accounts[0].server == server


@pytest.mark.parametrize("server", ["https://mail.example", "imaps://u@mail.example", "mail.example:x", "a b"])
def test_a_mailbox_on_something_else_is_a_problem(server: str) -> None:
    assert problem(account(network='"imap"', server=f'"{server}"', user='"u"')).startswith("accounts.m.server: ")


@pytest.mark.parametrize(
    ("key", "url", "says"),
    [
        ("smtp", "smtps://social:hunter2@mail.example", "must not hold a password"),
        ("smtp", "smtps://social:hunter2", "has a port"),
        ("smtp", "social:hunter2@mail.example", "must begin with smtps:// or smtp://"),
        ("smtp", "imaps://social@mail.example", "must begin with smtps:// or smtp://"),
        ("smtp", "smtps://social@mail.example/INBOX", "must end after the host and the port"),
        ("smtp", "smtps://social@mail.example:465?password=hunter2", "must hold no ? or #"),
        ("smtp", "smtps://so cial@mail.example", "no blanks"),
        ("smtp", "smtps://mail example", "no blanks"),
        ("smtp", "smtps://[::1", "cannot be taken apart"),
        ("imap", "imaps://mail.example/INBOX", "names no user"),
        ("imap", "smtps://social@mail.example", "must begin with imaps:// or imap://"),
    ],
)
def test_mail_servers_are_addresses_without_a_password(key: str, url: str, says: str) -> None:
    found = problem(f'[mail]\nfrom = "social@anytown.example"\n{key} = "{url}"\n')
    assert found.startswith(f"mail.{key}: ")
    assert says in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    "sender",
    ["social@anytown.example", "Anytown <a@b.example>", '\\"Anytown, social\\" <a@b.example>', "Ånytåwn <a@b.example>"],
)
def test_a_sender_has_an_address_and_perhaps_a_name(sender: str) -> None:
    parse(f'{HEAD}[mail]\nfrom = "{sender}"\n')


@pytest.mark.parametrize(
    "sender",
    [
        "Anytown",
        "Anytown <a@b",
        "a@b.example, c@d.example",
        "A, B <a@b.example>",
        "A\\r\\nBcc: x@y.example <a@b.example>",
    ],
)
def test_a_sender_that_no_header_should_hold_is_a_problem(sender: str) -> None:
    found = problem(f'[mail]\nfrom = "{sender}"\n')
    assert found.startswith("mail.from: ")
    assert "\r" not in found
    assert "\n" not in found


def test_handoffs_need_a_sender() -> None:
    assert problem('[mail]\nsmtp = "smtps://mail.example"\n') == "mail.from: is missing; handoffs need a sender"


@pytest.mark.parametrize(
    "email",
    ["waste", "a@b@c.example", "a b@c.example", "a@c..example", "a@b.example\\nBcc: c@d.example", "a@b,c@d", ""],
)
def test_a_contact_has_one_good_address(email: str) -> None:
    found = problem(f'[[contacts]]\nid = "w"\nname = "W"\nemail = "{email}"\n')
    assert found.startswith("contacts.w.email: ")
    assert "\n" not in found


def test_colleagues_may_stand_in_for_one_another_but_nobody_for_themselves() -> None:
    contact = '[[contacts]]\nid = "{0}"\nname = "N"\nemail = "{0}@anytown.example"\ndeputy = "{1}"\n'
    circle = "".join(contact.format(*pair) for pair in (("start", "a"), ("a", "b"), ("b", "c"), ("c", "a")))
    assert [each.deputy for each in parse(HEAD + circle).contacts] == ["a", "b", "c", "a"]
    assert problem(contact.format("me", "me")) == "contacts.me.deputy: nobody stands in for themselves"


def test_an_area_names_contacts_that_exist() -> None:
    text = WASTE.replace('["waste-team"]', '["waste-team", "waste-taem"]')
    assert problem(text) == ('areas.waste.contacts[1]: there is no contact "waste-taem" (did you mean waste-team?)')


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Hello {reff}", 'has the unknown placeholder "{reff}" (did you mean {ref}?); there are {ref} {due}'),
        ("Hello {", "has a brace without its partner"),
        ("Hello {}", "has the unknown placeholder"),
        ("{ref.__class__}", "has the unknown placeholder"),
        ("   ", "must not be empty"),
        ("\\u001b]0;x", "holds control characters"),
    ],
)
def test_saved_answers_hold_placeholders_that_somebody_fills(text: str, says: str) -> None:
    assert problem(f'[[answers]]\nid = "a"\ntext = "{text}"\n').startswith(f"answers.a.text: {says}")
    assert problem(f'[[answers]]\nid = "a"\ntext = "b"\nfor.x = "{text}"\n').startswith(f"answers.a.for.x: {says}")


def test_braces_in_pairs_and_networks_without_a_channel_are_fine_in_answers() -> None:
    parse(HEAD + '[[answers]]\nid = "a"\ntext = "{{ {ref} }}\\n{due}"\nfor.threads = "{name}"\n', networks=NETWORKS)
    assert "did you mean facebook?" in problem('[[answers]]\nid = "a"\ntext = "b"\nfor.facebok = "c"\n')


@pytest.mark.parametrize(
    "key", ["token", "password", "access_token", "client_secret", "api_key", "app_password", "passwd"]
)
def test_a_key_that_asks_for_a_secret_is_sent_to_the_keyring(key: str) -> None:
    found = problem(account(**{key: '"hunter2"'}))
    assert found.startswith(f"accounts.m.{key}: looks like a secret")
    assert "`socialtriage accounts login ID`" in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("handle", "abcd-efgh-ijkl-mnop"),
        ("user", "Ab3" + "x" * 40),
        ("page", "EAA" + "b7Zc" * 12),
        ("owner", "123456789:" + "Aa0_-" * 7),
        ("client_id", "GOCSPX-" + "aB3dE" * 5),
    ],
)
def test_a_value_that_looks_like_a_token_is_refused_and_not_repeated(key: str, value: str) -> None:
    found = problem(account(**{key: f'"{value}"'}))
    assert found.startswith(f"accounts.m.{key}: looks like a secret")
    assert value not in found


def test_ids_and_client_ids_are_no_secrets() -> None:
    parse(HEAD + account(id='"dogs-bins-park-tree"', client_id='"M1M5R3BMVy13QmpScXkzTUt5OE46MTpjaQ"'))


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ('preset = "vi"', 'keys.preset: there is no preset "vi"'),
        ('case.handoff = "F,,x"', "keys.case.handoff: a key is missing"),
        ('case.handoff = "ctrl+"', 'keys.case.handoff: "ctrl+" is no key'),
        ('"case handoff" = "x"', 'keys."case handoff": there is no action'),
    ],
)
def test_keys_have_a_shape(keys: str, says: str) -> None:
    assert problem(f"[keys]\n{keys}\n").startswith(says)


def test_the_screens_say_which_actions_there_are() -> None:
    text = HEAD + '[keys]\ncase.handof = "F"\n'
    parse(text)
    with pytest.raises(ConfigError) as caught:
        parse(text, "c.toml", actions=lambda: {"case.handoff"})
    assert caught.value.problems == (
        'c.toml:6: keys.case.handof: there is no action "case.handof" (did you mean case.handoff?)',
    )


def test_syntax_is_told_with_line_and_column_and_more_than_one_at_once() -> None:
    found = problems("x = \n[officer]\ninitials = JS\n")
    assert found == [
        ":5: column 5: not valid TOML: the value is missing or cannot be read (text needs quotes)",
        ":7: column 12: not valid TOML: the value is missing or cannot be read (text needs quotes)",
    ]
    assert "end of the file" in problems('[mail]\nfrom = """x\n')[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "[mail]\nredact = true\nsmtp = 'x'\nredact = false\n[organisation]\n",
            [
                ":8: mail.redact: is set twice, first on line 6; keep one of the two",
                ":9: [organisation]: is there twice, first on line 2; put the settings under one of them",
            ],
        ),
        (
            '[[accounts]]\nid = "a"\n[[accounts]]\nid = "b"\nid = """\n"""\n',
            [":9: accounts[1].id: is set twice, first on line 8; keep one of the two"],
        ),
        ("[[areas]]\n[areas]\n", [":6: [areas]: line 5 has [[areas]]; every entry of a list has two brackets"]),
        ("[areas]\n[[areas]]\n", [":6: [[areas]]: line 5 has [areas]; every entry of a list has two brackets"]),
        ("mail = 1\n[organisation.mail]\n", [":6: organisation.mail: is a table here and a value on line 5; keep one"]),
        ("x = {a = 1, a = 2}\n", [":5: organisation.x.a: is set twice, first on line 5; keep one of the two"]),
    ],
)
def test_what_is_given_twice_is_told_with_both_lines_and_what_to_do(text: str, says: list[str]) -> None:
    assert problems(text) == says


@pytest.mark.parametrize(
    "text",
    [
        *(
            "rubbish",
            "= 1",
            "a = 1 2",
            "[a\nx = 1",
            "[[a]\n",
            "a = {b = 1",
            'a = "x',
            'a = "x\nb = 1',
            'a = "C:\\Users"',
        ),
        *("a = '''", 'a = "\\q"', 'a = "\\uD800"', 'a = "\a"', "# \a", "a = [1", "a = {", "a.b = 1\n[organisation.a]"),
        *("[a.b]\nx = 1\n[a]\nb.y = 2", "a = {b = 1}\na.c = 1", "a = 1\na.b = 2", "a = [", "a = 2026-13-01"),
    ],
)
def test_no_fault_of_syntax_is_told_in_the_words_of_the_parser(text: str) -> None:
    for line in problems(text):
        assert "not valid TOML: " in line
        assert not any(word in line.lower() for word in ("expected", "mutate", "namespace", "declare", "overwrite"))
        assert not line.endswith(": it cannot be read")


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 5_000,
        "x = " + "{a=" * 5_000,
        "a" + ".a" * 200_000 + " = 1",
        "[" + "a." * 5_000 + "a]",
        "x = {" + "b." * 5_000 + "a = 1}",
        "x = 2026-13-45",
        "x = 0x" + "f" * 100_000,
        "x = " + "9" * 10_000,
        "\x00",
        "a = 1\r",
    ],
    ids=["lists", "inline", "dots", "header", "inline-dots", "date", "hex", "digits", "nul", "carriage-return"],
)
def test_hostile_toml_is_a_problem_and_no_traceback(text: str) -> None:
    assert problems(text, head="")


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"orgnisation{number} = 1\n" for number in range(40_000)),
        "".join(f'[[contacts]]\nid="c{n}"\nname="n"\nemail="a@b.example"\ndeputy="c{n + 1}"\n' for n in range(12_000)),
        "[[areas]]\nid='a'\nname='a'\n" + "".join(f"topics{n}=''\n" for n in range(30_000)),
        "[[areas]]\nid='a'\nname='a'\ntopics=[" + "'x'," * 100_000 + "]",
        "[[areas]]\nid='a'\nname='a'\ncontacts=[" + "'x'," * 100_000 + "]",
    ],
    ids=["keys", "deputies", "area", "topics", "contacts"],
)
def test_a_huge_file_is_told_in_bounded_time_and_length(text: str) -> None:
    begun = time.monotonic()
    found = problems(text)
    assert len(found) <= 1_001
    # A file of one megabyte takes a second or two; quadratic work would take minutes.
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff\xfe[\x00", "is written in UTF-16"),
        (b'# ok\nname = "\xe4"\n', ":2: holds a byte that is not UTF-8"),
        (b"#" * (MAX_BYTES + 1), "is larger than one megabyte"),
    ],
    ids=["utf-16", "latin-1", "large"],
)
def test_files_that_are_no_text_are_a_problem(tmp_path: Path, data: bytes, says: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert says in caught.value.problems[0]


def test_a_byte_order_mark_and_windows_lines_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())
    assert load(file).organisation.prefix == "ABC"


def test_no_file_points_to_init_and_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="socialtriage init") as caught:
        load(tmp_path / "none.toml")
    assert caught.value.problems
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert caught.value.problems == (f"{tmp_path}: is a folder, not a file",)
    with pytest.raises(ConfigError):
        load(Path("a\0b"))
    with pytest.raises(ConfigError):
        load(tmp_path / ("x" * 5_000))


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "config.toml")
    assert "does not allow" in caught.value.problems[0]


def test_lines_are_found_behind_long_texts_comments_and_inline_tables() -> None:
    found = problems(
        '''
note = """
[officer]
nmae = "not a key"
"""
[[areas]]
id = "a"  # [[areas]]
name = "A"
topics = [
  "ok",   # fine
  "not ok",
]
contacts = ["x", "y"]
[[areas]]
"id" = 'b'
name = "B"
topcs = { a = 1, b = [1, 2] }
'''
    )
    assert [line.split(": ")[0] for line in found] == [":6", ":15", ":17", ":17", ":21"]


def test_a_value_with_terminal_controls_is_shown_harmlessly() -> None:
    text = '"a\\u001b[2Jb" = 1\n[[contacts]]\nid = "\\u202ex"\nname = "\\u009b"\nemail = "\\u0007"\n'
    for line in problems(HEAD, head=text):
        assert line.isprintable()


def test_loading_needs_no_heavy_library() -> None:
    code = (
        "import sys; from pathlib import Path; from socialtriage.config.load import parse;"
        f"parse({HEAD!r}); print([name for name in ('tomlkit', 'keyring', 'httpx', 'textual', 'holidays', 'difflib')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_field_has_a_docstring() -> None:
    import ast

    import msgspec

    from socialtriage.config import model

    tree = ast.parse(Path(model.__file__).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for number, statement in enumerate(node.body):
                if isinstance(statement, ast.AnnAssign):
                    below = node.body[number + 1] if number + 1 < len(node.body) else None
                    assert isinstance(below, ast.Expr), f"{node.name}: line {statement.lineno}"
                    assert isinstance(below.value, ast.Constant)
    assert {field.name for field in msgspec.structs.fields(Config)} >= {"organisation", "accounts", "keys"}
