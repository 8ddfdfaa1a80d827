"""Personal data is found and masked, and what only looks like it is left alone."""

from __future__ import annotations

import csv
import random
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from socialtriage.domain.redact import FIELDS, Redaction, find_personal, redact
from socialtriage.domain.reference import new_reference
from tests.doubles import unhurried  # noqa: F401 - sets the profile

POSTCODES = Path(__file__).resolve().parents[2] / "shared" / "data" / "uk_postcodes" / "postcodes_sample_5000.csv"
REPORTS = Path(__file__).resolve().parents[2] / "shared" / "data" / "reports.csv"
ALL = Redaction.all()


def masked(text: str, names: tuple[str, ...] = (), handles: tuple[str, ...] = ()) -> str:
    return redact(text, ALL, names, handles)[0]


def kinds(text: str) -> list[str]:
    return [found.kind for found in find_personal(text)]


@pytest.mark.parametrize(
    "number",
    [
        "01632 960001", "01632960001", "(01632) 960 001", "0163 296 0001", "020 7946 0000", "020-7946-0000",
        "07700 900123", "07700900123", "07700-900-123", "+44 7700 900123", "+447700900123", "0044 7700 900123",
        "+44 (0)20 7946 0000", "(+44) 1632 960001", "01204 12345", "0800 123 456", "0800 123 4567",
        "0 7 7 0 0 900 123", "07700\u00a0900\u00a0123", "0412 345 678", "0412345678", "(08) 8999 1234",
        "08 8999 1234", "+61 412 345 678", "+61 (0)8 8999 1234", "+353 1 234 5678", "020 7946 0000.",
        "０７７００ ９００１２３",
    ],
)  # fmt: skip
def test_phone_numbers(number: str) -> None:
    assert masked(f"Ring me on {number}, thanks").replace(".", "") == "Ring me on [phone number], thanks"
    assert kinds(f"Tel:{number}") == ["phone_number"]


def test_two_numbers_in_a_row_are_both_found() -> None:
    assert masked("01632 960001 07700 900123") == "[phone number] [phone number]"
    assert masked("01632 960001/07700 900123 2 bins") == "[phone number]/[phone number] 2 bins"


def test_any_number_after_a_word_for_it() -> None:
    assert (
        masked("phone 960001 please, mobile no: 8999 1234") == "phone [phone number] please, mobile no: [phone number]"
    )


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("write to ada.resident+bins@example.org!", "write to [email address]!"),
        ("'o'neil@example.org'", "'[email address]'"),
        ("ada (at) example.org", "[email address]"),
        ("Ada <ADA@MAIL.EXAMPLE>", "Ada <[email address]>"),
        ("hi @ada, @ada.example.org and @ada@social.example: yes", "hi [handle], [handle] and [handle]: yes"),
        ("I live at se13 7tt", "I live at [postcode]"),
        ("SE137TT and M1 1AE; GIR 0AA", "[postcode] and [postcode]; [postcode]"),
        ("Made up: AB12 3CD, ab1 2cd, ZZ9 9ZZ", "Made up: [postcode], [postcode], [postcode]"),
        ("NI AB 12 34 56 C", "NI [national insurance number]"),
        ("qq123456c is no such number", "qq123456c is no such number"),
        ("card 4111 1111 1111 1111 expired", "card [card number] expired"),
        ("5555-5555-5555-4444", "[card number]"),
        ("born on 3rd March 1980, DOB: 03/03/1980", "born on [date of birth], DOB: [date of birth]"),
        ("his date of birth is 1980-03-03", "his date of birth is [date of birth]"),
        ("the black van AB12 CDE or AB12CDE", "the black van [vehicle registration] or [vehicle registration]"),
        ("ab12cde, but in 12 the end", "[vehicle registration], but in 12 the end"),
        ("Pay GB29 NWBK 6016 1331 9268 19 and thanks", "Pay [bank account] and thanks"),
        ("gb29nwbk60161331926819, DE89 3704 0044 0532 0130 00.", "[bank account], [bank account]."),
        ("flat AB12 pays GB29-NWBK-6016-1331-9268-19", "flat AB12 pays [bank account]"),
        ("GB28 NWBK 6016 1331 9268 19 is mistyped", "GB28 NWBK 6016 1331 9268 19 is mistyped"),
        ("sort code 20-00-00, account number 55779911", "sort code [bank account]"),
        ("20-00-00 55779911 but 20-11-26 alone", "[bank account] but 20-11-26 alone"),
        ("NI AB.12.34.56.C", "NI [national insurance number]"),
        ("ＳＥ１３ ７ＴＴ, SE13\u200b 7TT, ０７７００ ９００１２３", "[postcode], [postcode], [phone number]"),
        ("07700\u2009900123 and ada\u200b@example.org", "[phone number] and [email address]"),
    ],
)
def test_other_kinds(text: str, result: str) -> None:
    assert masked(text) == result


ORDINARY = """
Case ABC-7Q4K2M and ref 0312345678, reference number 12345678901, account no. 0712345678, UPRN 100012345678.
PCN LW12345678, planning application 26/01234/FUL, council tax account 0798765432101, invoice 07700900123.
Order: 4111111111111111. On 05/11/2026 at 09:30-17:00, 01.12.2026 10 am, 01/02/2026 0930, 2026-11-22T09:30:00.000Z,
3rd March 1980, week 12-13 January 2026. It cost £0.50, £1,234.56, 07.50p, 0.1234567890 percent, 12,345,678 people,
50% of 4111 1111 1111 1112.
The A12, B4567, M25 junction 10, lamp post SE8, column 005, E1 4th floor,
A1 3rd exit, N1 2nd turning, E1 2ft deep, M25 2pm, M4 9AM, E6 5km.
Bins 1 2 3 4 5 6 7 8 9 10 11 12 and 0 1 2 3 4 5 6 7 8 9 10;
51.4545, -0.0123456; 192.168.0.1; v2.10.3; 10:05, 00:00-24:00. Meet @ 5pm or @5pm.
https://council.example/report/123456789 and #Potholes2026. Grade C4 7B, room B12 3C, 4x4 AND M4 AND A40.
"""


def test_what_only_looks_personal_survives() -> None:
    assert masked(ORDINARY) == ORDINARY
    assert find_personal(ORDINARY) == []


@given(st.integers(0, 2**32), st.sampled_from(["ABC", "LB", "SE"]))
def test_references_survive(seed: int, prefix: str) -> None:
    reference = new_reference(prefix, random.Random(seed))
    for text in (reference, f"[{reference}] bins", f"Your reference is {reference}."):
        assert masked(text) == text


@given(
    st.datetimes(),
    st.sampled_from(["%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H", "%d-%m-%y", "%d %B %Y, %I.%M%p"]),
)
def test_dates_survive(moment: object, form: str) -> None:
    text = f"since {moment:{form}} or so"
    assert masked(text) == text


@given(st.decimals(0, 10**7, places=2, allow_nan=False))
def test_prices_survive(price: object) -> None:
    for text in (f"£{price}", f"it was £{price:,} in all", f"{price} pounds"):
        assert masked(text) == text


def test_real_postcodes_are_found() -> None:
    if not POSTCODES.exists():
        pytest.skip("the list of postcodes is not here")
    with POSTCODES.open(newline="", encoding="utf-8") as file:
        real = [row["postcode"] for row in csv.DictReader(file)]
    for code in real:
        for spelling in (code, code.lower(), code.replace(" ", ""), code.lower().replace(" ", "")):
            assert masked(f"at {spelling}, please") == "at [postcode], please"


def test_real_reports_hold_few_false_phones() -> None:
    """Their telephone numbers were replaced by dummies, so that what is found here is mostly not one."""
    if not REPORTS.exists():
        pytest.skip("the reports are not here")
    with REPORTS.open(newline="", encoding="utf-8") as file:
        found = [item for row in csv.DictReader(file) for item in find_personal(row["text"])]
    cards = [item for item in found if item.kind in {"card_number", "national_insurance_number", "date_of_birth"}]
    assert cards == []


# --- names and handles --------------------------------------------------------------------------------------


def test_known_names_are_masked_whole_and_in_parts() -> None:
    text = "I am ada  resident. Ada here, ADA's bin; Resident Ada; the resident of Ada Park, Adamant."
    result = masked(text, names=("Ada Resident",))
    assert result == "I am [name]. [name] here, [name] bin; Resident [name]; the resident of [name] Park, Adamant."


@pytest.mark.parametrize(
    ("name", "text", "result"),
    [
        ("Siân Ó'Néill 🌻", "from Siân, SIAN Ó’NÉILL", "from [name], [name] [name]"),
        ("Will May", "I will go in May. Will May", "I will go in May. [name]"),
        ("J. R.", "J. R. was here", "J. R. was here"),
        ("", "nobody", "nobody"),
        ("(.*)+", "(.*)+ is no pattern", "(.*)+ is no pattern"),
    ],
)
def test_names_of_every_kind(name: str, text: str, result: str) -> None:
    assert masked(text, names=(name,)) == result


def test_known_handles_are_masked_with_and_without_their_sign() -> None:
    handles = ("@ada_b@social.example", "ada.example.org", "bins")
    assert (
        masked("Ada_B@social.example, ada.example.org, @bins, bins", handles=handles)
        == "[handle], [handle], [handle], bins"
    )


def test_a_mailbox_as_handle_is_masked_where_mail_addresses_are_not() -> None:
    text, found = redact("me: ada@example.org", Redaction(handle=True), handles=("ada@example.org",))
    assert (text, [item.kind for item in found]) == ("me: [handle]", ["handle"])


# --- toggles ------------------------------------------------------------------------------------------------

TEXT = (
    "Ada, @ada, ada@example.org, 07700 900123, SE13 7TT, AB123456C, 4111111111111111, born 3/3/1980, AB12 CDE, "
    "GB29NWBK60161331926819"
)
SAMPLE = dict(
    zip(
        ("names", "handle", "email", "phone", "postcode", "national_insurance", "card", "birth_date", "plate", "bank"),
        TEXT.split(", "),
        strict=True,
    )
)


@pytest.mark.parametrize("toggle", SAMPLE)
def test_each_toggle_masks_its_own_kind(toggle: str) -> None:
    text, found = redact(TEXT, Redaction(**{toggle: True}), names=("Ada",))
    assert len(found) == 1
    assert [part for part in TEXT.split(", ") if part not in text.split(", ")] == [SAMPLE[toggle]]
    assert FIELDS[found[0].kind] == toggle
    assert found[0].text == TEXT[found[0].start : found[0].end]


def test_nothing_is_masked_unless_asked() -> None:
    assert redact(TEXT, Redaction.none(), ("Ada",)) == (TEXT, [])
    assert not Redaction.none()
    assert Redaction(card=True)
    assert set(FIELDS.values()) == set(SAMPLE)


def test_warnings_name_everything_but_handles_and_names() -> None:
    assert [found.label for found in find_personal(TEXT)] == [
        "email address", "phone number", "postcode", "national insurance number", "card number", "date of birth",
        "vehicle registration", "bank account",
    ]  # fmt: skip


# --- any text -----------------------------------------------------------------------------------------------

fragments = st.lists(
    st.sampled_from(
        [
            "0",
            "07700 900123",
            "@",
            "a",
            ".",
            "ada@",
            "example.org",
            " ",
            "+44",
            "(",
            ")",
            "4111 ",
            "SE13",
            "7TT",
            "-",
            "é",
        ]
    ),
    max_size=30,
).map("".join)


@given(st.text(max_size=200) | fragments)
@example("0200000000@A")
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once, _ = redact(text, ALL, ("Ada Example",), ("ada@example.org",))
    assert redact(once, ALL, ("Ada Example",), ("ada@example.org",)) == (once, [])


@given(fragments)
def test_places_are_in_order_and_apart(text: str) -> None:
    found = find_personal(text)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(item.start < item.end for item in found)


HOSTILE = [
    "0",
    "0 ",
    "01632 96000",
    "a@",
    "a.",
    "@a",
    "@a@a.",
    "+44 ",
    "(0",
    "4111 ",
    "SE13 ",
    "born ",
    "tel ",
    "Ada ",
    "\u00a0",
    "[at]",
    "1.1.1",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_takes_linear_time(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    begin = time.thread_time()
    redact(text, ALL, ("Ada Resident",), ("@ada.example.org",))
    assert time.thread_time() - begin < 10, "under 0.5 s on a quiet machine"
