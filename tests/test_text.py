"""Untrusted text: what `clean` replaces and keeps, and HTML as text."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialtriage.domain.text import CUT_MARK, MARKS_PER_LETTER, clean, clean_line, html_to_text, snippet
from tests.doubles import unhurried  # noqa: F401 - sets the profile

FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
anything = st.text(st.characters(codec=None, exclude_categories=[]), max_size=200)
spiky = st.text(st.sampled_from("a\r\n\t \x1b\x9b[0m\u202e\ud800\u0301\u0489\u200d\ufe0f👩🏽@"), max_size=80)
PIECES = """<p> </p> <br> <a> <a/href='http://x.example'> </a> <ul> <ol/start=3> <li> </ul> <blockquote>
</blockquote> <div/hidden> </div> <pre> </pre> <!-- --> <script> </script> <style> < > & &amp; &#27; ' " =
text x\x1b[2J \u202e <td> <img/alt='a'>"""
pages = st.lists(st.sampled_from(PIECES.split()), max_size=40).map(" ".join)


@given(anything | spiky)
def test_nothing_that_steers_a_terminal_is_left(value: str) -> None:
    assert not FORBIDDEN.search(clean(value))
    assert "\r" not in clean(value)


@given(anything | spiky, st.integers(1, 300))
def test_cleaning_twice_changes_nothing(value: str, limit: int) -> None:
    assert clean(clean(value, limit), limit) == clean(value, limit)
    assert clean_line(clean_line(value, limit), limit) == clean_line(value, limit)


@given(anything | spiky, st.integers(1, 300))
def test_limits_hold(value: str, limit: int) -> None:
    assert len(clean(value, limit)) <= limit
    line = clean_line(value, limit)
    assert len(line) <= limit
    assert not set(line) & set("\n\t")
    assert len(snippet(value, limit)) <= limit


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"])))
def test_ordinary_text_passes_untouched(value: str) -> None:
    assert clean(value) == value


@pytest.mark.parametrize(
    "kept",
    [
        "👩‍👩‍👧‍👦 ❤️ 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "e\u0301",
        "a\tb\nc",
        "नमस्ते",
        "Llŷn, tŷ bach",
        "ཧཱུྃ",
    ],
)
def test_emoji_accents_and_scripts_are_kept(kept: str) -> None:
    assert clean(kept) == kept


def test_controls_are_replaced_not_deleted() -> None:
    assert clean("pay\x1b[31mpal") == "pay�[31mpal"
    assert clean("a\u202eb\x85c\ud800d") == "a�b�c�d"
    assert clean("one\r\ntwo\rthree") == "one\ntwo�three"


def test_five_thousand_marks_are_cut_visibly() -> None:
    cleaned = clean("e" + "\u0301" * 5_000 + " after")
    assert cleaned == "e" + "\u0301" * MARKS_PER_LETTER + "� after"


def test_marks_hidden_behind_joiners_are_cut_too() -> None:
    assert len(clean("e" + "\u0301\u200d" * 5_000)) < 20


@given(st.text(st.sampled_from("e\u0301\u0489\u0e4d\u200d\ufe0f\U000e0101"), max_size=60))
def test_no_letter_carries_more_marks_than_allowed(value: str) -> None:
    run = 0
    for char in clean(value):
        run = run + 1 if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"} else 0
        assert run <= MARKS_PER_LETTER


def test_a_long_text_says_that_it_was_cut() -> None:
    cleaned = clean("word " * 50_000)
    assert len(cleaned) == 100_000
    assert cleaned.endswith(CUT_MARK)
    assert clean("abcdef", 4) == "abc…"
    assert clean("\r\n" * 50, 100) == "\n" * 50


def test_a_line_is_one_line() -> None:
    assert clean_line("  Council\r\n\tBins \u3000 Team ") == "Council Bins Team"
    assert clean_line("x\nBcc: everyone@example.org") == "x Bcc: everyone@example.org"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@council @bins@example.social, my bin\nwas missed", "my bin was missed"),
        (".@council hello", "hello"),
        ("@council", "@council"),
        ("@council @bins", "@council @bins"),
        ("thanks @council", "thanks @council"),
        ("", ""),
    ],
)
def test_a_snippet_leaves_out_the_handles_a_reply_begins_with(text: str, words: str) -> None:
    assert snippet(text) == words


def test_a_snippet_ends_at_a_word() -> None:
    assert snippet("the streetlight on Mill Lane is out", 20) == "the streetlight on…"


# --- HTML --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One<br>two</p><p>three &amp; four &lt;b&gt;</p>", "One\ntwo\n\nthree & four <b>"),
        (
            "<ul><li>one</li><li><p>two</p><ol start=3><li>a<li>b</ol></li></ul>end",
            "- one\n- two\n  3. a\n  4. b\n\nend",
        ),
        ("so<blockquote><p>a</p><p>b</p></blockquote>yes", "so\n\n> a\n>\n> b\n\nyes"),
        ("<style>p{}</style><script>alert('<p>')</script><head><meta><title>t</title></head><body>x", "x"),
        ("<div style='display: none'>pre<div>header</div></div><span hidden>y</span>seen", "seen"),
        ("<p hidden>no<p>yes", "yes"),
        ("<div hidden>never closed", "never closed"),
        ("<img alt='a map' src=x><img hidden alt=no>", "a map"),
        ("<table><tr><td>Name</td><td>Ada</td></tr><tr><td>x</table>", "Name Ada\nx"),
        ("<pre>  a\n    b</pre>", "  a\n    b"),
        ("I <3 bins, 5 < 6 and a<b", "I <3 bins, 5 < 6 and a<b"),
        ("a<!-- x -->b<!DOCTYPE html><![endif]>c<?x?>", "abc"),
        ("<p title='a > b'>text</p>", "text"),
        ("<p title=it's>don't</p><p>stop</p>", "don't\n\nstop"),
        ("<q>hi</q> &#x1f600; &nbsp; &unknown; &#99999999999;", "“hi” 😀 &unknown; �"),
        ("<b>bo</b>ld", "bold"),
        ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
        ("\x1b]0;x\x07", "�]0;x�"),
        ("", ""),
    ],
)
def test_html_as_text(html: str, text: str) -> None:
    assert html_to_text(html) == text


MASTODON_LINK = (
    '<p>See <a href="https://www.example.org/a/very/long/path?x=1&amp;y=2" rel="nofollow"><span class="invisible">https://www.</span>'
    '<span class="ellipsis">example.org/a/very/long</span><span class="invisible">/path?x=1&amp;y=2</span></a> now</p>'
)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (MASTODON_LINK, "See https://www.example.org/a/very/long/path?x=1&y=2 now"),
        ('<a href="https://example.org/form">the form</a>.', "the form (https://example.org/form)."),
        ('<a href="https://www.example.org/">example.org</a>', "example.org"),
        ('go to <a href="https://example.org/long/path">example.org/lo…</a>!', "go to https://example.org/long/path!"),
        ('<a href="https://evil.example/">https://bank.example</a>', "https://bank.example (https://evil.example/)"),
        ('<a href="mailto:a@example.org">a@example.org</a>', "a@example.org"),
        ('<a href="javascript:x()">press</a> <a href="/local">here</a> <a>bare</a>', "press here bare"),
        ('<a class="u-url mention" href="https://x.example/@ada">@<span>ada</span></a> hi', "@ada hi"),
        ('<a href="https://x.example"><img src=logo></a>text', "text"),
        (
            '<a href="https://x.example">one <a href="https://y.example">two',
            "one (https://x.example) two (https://y.example)",
        ),
        ("<a title='href=\"https://no.example\"' href=https://x.example>z</a>", "z (https://x.example)"),
    ],
)
def test_links_are_told_once_and_whole(html: str, text: str) -> None:
    assert html_to_text(html) == text


@given(pages)
def test_any_page_gives_safe_text(html: str) -> None:
    text = html_to_text(html)
    assert not FORBIDDEN.search(text)
    assert "\n\n\n" not in re.sub(r"\n(?:> ?)+(?=\n)", "\n> x", text)


@given(anything)
def test_any_text_is_no_failure(html: str) -> None:
    html_to_text(html)


HOSTILE = """<!-- <a/ <a/href=" <div> <blockquote>x <style> <style><b> <a/'>' <a/x='>' <![CDATA[ <ul><li>x <p/hidden>
<a/href=http://x.example>y < </ & &#1 =' <br> <script></script <svg> <td><a> \u0301"""


@pytest.mark.parametrize("piece", HOSTILE.split())
def test_a_hostile_megabyte_takes_linear_time(piece: str) -> None:
    def seconds(size: int) -> float:
        page = piece * (size // len(piece))
        start = time.thread_time()
        html_to_text(page)
        return time.thread_time() - start

    assert seconds(1_000_000) < 200 * max(min(seconds(50_000) for _ in range(3)), 0.002)
