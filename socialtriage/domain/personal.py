"""Where personal data stands in a text: patterns of Britain and Australia that spare references, dates and prices.

Every pattern has bounds, so that hostile text of any length is read in linear time.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

PHONE = "phone_number"
EMAIL = "email_address"
POSTCODE = "postcode"
HANDLE = "handle"
NAME = "name"
NATIONAL_INSURANCE = "national_insurance_number"
CARD = "card_number"
BIRTH_DATE = "date_of_birth"
PLATE = "vehicle_registration"
BANK = "bank_account"


class Place(NamedTuple):
    """Something personal of a kind, from `start` to before `end`."""

    start: int
    end: int
    kind: str


_DOMAIN = r"(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}"
_EMAIL = re.compile(rf"(?<![\w.%+@-])\w[\w.%+'-]{{0,63}}(?:@|\s?[\[(]at[\])]\s?){_DOMAIN}", re.IGNORECASE)
_HANDLE = re.compile(rf"(?<![\w@./-])@[^\W\d](?:[\w.-]{{0,62}}\w)?(?:@{_DOMAIN})?")

_GAP = "[ \u00a0.()/\\-\u2010-\u2015]{0,3}"
_DIGITS = re.compile(rf"(?<![\w£$€#])(?<!\d[.,:-])(?:\(?\+|\(?(?=0))\d(?:{_GAP}\d){{6,15}}")
_DATE_OR_FRACTION = re.compile(r"\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})(?!\d)|\d{1,2}/\d{1,4}(?!\d)|0\.\d")
_SHORT_NUMBER = re.compile(r"\(?0(?:1\d{3,4}\)?[ -]{1,2}\d{5,6}|800[ -]\d{3}[ -]?\d{3})")
_MOST_GROUPS = 7
_FEWEST_DIGITS = 8
_GROUP = re.compile(r"\d+")
_NUMBER_AFTER_WORD = re.compile(
    rf"\b(?:tel|telephone|phone|mob|mobile|whatsapp|(?:call|ring|text|phone)(?:\s(?:me|us|him|her|them))?\s(?:on|at))"
    rf"(?:\s(?:no|number|is)){{0,2}}\.?[\s:]{{0,3}}(\d(?:{_GAP}\d){{5,14}})(?!\d)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"\b(?:ref|reference|case|account|acct|invoice|order|application|uprn|job|report|permit|ticket|claim|notice|pcn|meter)"
    r"(?:\s?(?:no|num|number|id))?\.?\s?(?:is|was)?\s?[:#]?\s?$",
    re.IGNORECASE,
)

_AREAS = """AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK
FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG
NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR
TS TW UB W WA WC WD WF WN WR WS WV YO ZE"""
_POSTCODE = re.compile(
    rf"(?<![\w-])(?:(?:{'|'.join(sorted(_AREAS.split(), key=len, reverse=True))})\d[\dA-HJKMNPR-Y]?|GIR\s?(?=0AA))"
    r"[ \u00a0]{0,2}\d[A-Z]{2}(?!\w)",
    re.IGNORECASE | re.ASCII,
)
_SHAPED_LIKE_A_POSTCODE = re.compile(r"(?<![\w-])[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}(?![\w-])", re.ASCII)
"""In capitals it is taken for one even where no such area exists: people mistype, and examples are made up."""
_ORDINAL = re.compile(r"[A-Z].*\d(?:st|nd|rd|th|ft|yd|yr|hr|lb|km|kg|cm|mm|ml|mb|gb|am|pm|AM|PM)$")

_NATIONAL_INSURANCE = re.compile(
    r"(?<!\w)(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
    r"[ .-]?\d{2}[ .-]?\d{2}[ .-]?\d{2}[ .-]?[A-D](?!\w)",
    re.IGNORECASE | re.ASCII,
)
_CARD = re.compile(r"(?<![\w-])(?<!\d[.,])\d(?:[ \u00a0-]?\d){12,18}(?![\w-])", re.ASCII)
_IBAN = re.compile(
    r"(?<!\w)(?=([A-Z]{2}\d{2}(?:[ -]?[A-Z\d]{4}){2,7}(?:[ -]?[A-Z\d]{1,4})?)(?!\w))", re.IGNORECASE | re.ASCII
)
_IBANS = """AD24 AT20 BE16 BG22 CH21 CY28 CZ24 DE22 DK18 EE20 ES24 FI18 FR27 GB22 GI23 GR27 HR21 HU28 IE22 IS26 IT27
LI21 LT20 LU20 LV21 MC27 MT31 NL18 NO15 PL28 PT25 RO24 RS22 SE24 SI19 SK24 SM27 TR26 UA29"""
_IBAN_LENGTHS = {each[:2]: int(each[2:]) for each in _IBANS.split()}
"""Characters of an IBAN by country (the SWIFT registry), of those that send workers and money here."""
_BANK = re.compile(
    r"(?<![\w-])(sort\s?code(?:\sis)?[\s:]{1,3})?(\d{2}[ -]\d{2}[ -]\d{2}|(?<=[\s:])\d{6})(?![\w-])"
    r"([\s,;/|]{1,3}(?:and\s)?(?:(?:account|acct?)\b\.?(?:\s(?:no|num|number)\b)?\.?[\s:]{1,3})?\d{8}(?![\w-]))?",
    re.IGNORECASE | re.ASCII,
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_BIRTH_DATE = re.compile(
    r"\b(?:d\.?o\.?b\b\.?|date of birth|born(?: on)?|birthday)(?:\s(?:is|was))?[\s:,-]{0,4}"
    rf"(\d{{1,4}}[/.-]\d{{1,2}}[/.-]\d{{2,4}}|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH},? \d{{2,4}}"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{2,4}})",
    re.IGNORECASE,
)
_PLATE = re.compile(
    r"(?<![\w-])[A-HJ-PR-Y][A-HJ-PR-Y](?:0[0-9]|[1257][0-9]|6[0-9])[ \u00a0]?[A-HJ-PR-Z]{3}(?![\w-])"
    r"|(?<![\w-])[a-hj-pr-y][a-hj-pr-y](?:0[0-9]|[1257][0-9]|6[0-9])[a-hj-pr-z]{3}(?![\w-])",
    re.ASCII,
)


def emails(text: str) -> Iterator[Place]:
    """Mail addresses, `name (at) example.org` too."""
    yield from _all(_EMAIL, EMAIL, text)


def handles(text: str) -> Iterator[Place]:
    """`@handle`, `@name.example.org`, `@name@server.example`."""
    yield from _all(_HANDLE, HANDLE, text)


def phones(text: str) -> Iterator[Place]:
    """British and Australian numbers, others after a plus sign, and any number after a word such as `phone`."""
    position = 0
    while found := _DIGITS.search(text, position):
        end = _end_of_phone(text, found)
        if end is not None:
            yield Place(found.start(), end, PHONE)
        position = end or found.start() + 1
    for found in _NUMBER_AFTER_WORD.finditer(text):
        yield Place(found.start(1), found.end(1), PHONE)


def postcodes(text: str) -> Iterator[Place]:
    """British postcodes in any spelling; `A1 3rd`, `M25 2pm` and `B4567` are none."""
    for pattern in (_POSTCODE, _SHAPED_LIKE_A_POSTCODE):
        for found in pattern.finditer(text):
            if not _ORDINAL.match(found[0]):
                yield Place(found.start(), found.end(), POSTCODE)


def national_insurance(text: str) -> Iterator[Place]:
    """National Insurance numbers."""
    yield from _all(_NATIONAL_INSURANCE, NATIONAL_INSURANCE, text)


def cards(text: str) -> Iterator[Place]:
    """Bank cards: 13 to 19 digits of a card's beginning with a right check digit."""
    for found in _CARD.finditer(text):
        digits = _digits(found[0])
        if digits[0] in "23456" and _luhn(digits) and not _is_numbered(text, found):
            yield Place(found.start(), found.end(), CARD)


def birth_dates(text: str) -> Iterator[Place]:
    """Dates after words such as `born` or `DOB`; other dates are not personal."""
    for found in _BIRTH_DATE.finditer(text):
        yield Place(found.start(1), found.end(1), BIRTH_DATE)


def plates(text: str) -> Iterator[Place]:
    """British number plates of 2001 and later: in capitals, or in one small word."""
    yield from _all(_PLATE, PLATE, text)


def banks(text: str) -> Iterator[Place]:
    """Bank accounts: an IBAN (ISO 13616) with right check digits, and a British sort code with its account number."""
    for found in _IBAN.finditer(text):
        end = _end_of_iban(found[1])
        if end:
            yield Place(found.start(), found.start() + end, BANK)
    for found in _BANK.finditer(text):
        if found[1] or found[3]:
            yield Place(found.start(2), found.end(), BANK)


def _end_of_iban(written: str) -> int:
    """Where the number ends, words may follow it; 0 when its check digits are wrong (ISO 7064, MOD 97-10)."""
    length = _IBAN_LENGTHS.get(written[:2].upper(), 0)
    places = [place for place, char in enumerate(written) if char.isalnum()][:length]
    if not length or len(places) < length or written[places[-1] + 1 : places[-1] + 2].isalnum():
        return 0
    plain = "".join(written[place] for place in places).upper()
    right = int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1
    return places[-1] + 1 if right else 0


FINDERS: dict[str, Callable[[str], Iterable[Place]]] = {
    EMAIL: emails,
    HANDLE: handles,
    BANK: banks,
    CARD: cards,
    NATIONAL_INSURANCE: national_insurance,
    BIRTH_DATE: birth_dates,
    PHONE: phones,
    POSTCODE: postcodes,
    PLATE: plates,
}
"""What finds each kind; where two claim the same words, the earlier one has them."""


def _all(pattern: re.Pattern[str], kind: str, text: str) -> Iterator[Place]:
    for found in pattern.finditer(text):
        yield Place(found.start(), found.end(), kind)


def _end_of_phone(text: str, found: re.Match[str]) -> int | None:
    """Where the number ends that begins a run of digits: a second one may follow it at once."""
    start, count, ends = found.start(), 0, []
    for group in itertools.islice(_GROUP.finditer(text, start, found.end()), _MOST_GROUPS):
        count += len(group[0])
        if count >= _FEWEST_DIGITS and not text[group.end() : group.end() + 1].isdigit():
            ends.append(group.end())
    for end in reversed(ends):
        written = text[start:end]
        if _is_phone(written) and not (written.isdigit() and _is_numbered(text, found)):
            return end
    return None


def _is_phone(written: str) -> bool:
    digits = _digits(written)
    if _DATE_OR_FRACTION.match(written):
        return False
    international = "+" in written or digits.startswith("00")
    digits = digits.removeprefix("00") if "+" not in written else digits
    if international and digits.startswith("44"):
        return _is_british(digits[2:].removeprefix("0"))
    if international and digits.startswith("61"):
        return _is_australian(digits[2:].removeprefix("0"))
    if international:
        return "+" in written and 8 <= len(digits) <= 15
    national = digits[1:]
    is_short = len(national) == 9 and _SHORT_NUMBER.fullmatch(written) is not None
    return is_short or _is_british(national) or _is_australian(national)


def _is_british(national: str) -> bool:
    return national[:1] in tuple("1235789") and len(national) == 10


def _is_australian(national: str) -> bool:
    return national[:1] in tuple("23478") and len(national) == 9


def _is_numbered(text: str, found: re.Match[str]) -> bool:
    """Whether the words before say that this is a number of something else."""
    return bool(_NUMBERED.search(text[max(0, found.start() - 40) : found.start()]))


def _digits(text: str) -> str:
    return "".join(str(int(char)) for char in text if char.isdecimal())


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
