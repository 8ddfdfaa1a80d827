"""The HTML page of the figures: well-formed, harmless whatever names say, and looked at in a real browser."""

from __future__ import annotations

import os
import re
import shlex
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from socialtriage.domain.text import clean
from socialtriage.services import figures, figures_html
from tests.doubles import chromium
from tests.doubles.desk import CONFIG, arrive, message
from tests.doubles.figures_desk import NOW, REPORT, october

HOSTILE = [
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<svg/onload=document.title='owned'>",
    "</style><style>body{background:url(//evil.example/x)}</style>",
    '<meta http-equiv=refresh content="0;url=//evil.example">',
    "\"><iframe src='//evil.example'></iframe>",
    "javascript:document.title='owned'",
]
"""Put where names of the configuration and the store stand in the page."""
VOID = {"meta", "rect", "line"}


class Strict(HTMLParser):
    """Every element is closed in its order; what a screen reader needs is there."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.found if name == tag]


def page(folder: Path) -> str:
    """The page of a week in which everything that has a name has a hostile one."""
    names = iter(HOSTILE * 3)
    config = CONFIG + REPORT
    for name in ("Anytown Borough Council", "Bins and recycling", "Roads", "Waste services"):
        config = config.replace(f'"{name}"', _toml(next(names)))
    desk, ids = october(folder, config=config)
    for number in range(6):
        arrive(desk, message("a pothole", f"p{number}", at=NOW, author=f"{HOSTILE[number]} {number}"))
    with desk.store._db.write() as connection:
        connection.execute("UPDATE cases SET topic = ? WHERE id = ?", (HOSTILE[1], ids["A"]))
        connection.execute("UPDATE cases SET area = ? WHERE id = ?", (HOSTILE[0], ids["D"]))
        connection.execute("UPDATE cases SET network = ? WHERE id = ?", (HOSTILE[3], ids["E"]))
        connection.execute("UPDATE handoffs SET contact = ?", (HOSTILE[5],))
        connection.execute(
            "INSERT INTO gaps (account, start_at, end_at, why) VALUES ('mailbox', ?, ?, ?)",
            ("2026-10-26T09:00:00.000Z", "2026-10-26T10:00:00.000Z", HOSTILE[4]),
        )
    text = "".join(figures_html.as_html(figures.make(desk, figures.span_called(desk, "week"))))
    desk.close()
    return text


def _toml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_the_page_is_well_formed_and_every_picture_has_a_name_and_a_table(tmp_path: Path) -> None:
    text = page(tmp_path)
    strict = Strict()
    strict.feed(text)
    assert (strict.faults, strict.open) == ([], [])
    assert strict.all("html")[0]["lang"] == "en-GB"
    tags = {name for name, _ in strict.found}
    assert not tags & {"script", "img", "iframe", "link", "object", "form", "base"}
    assert not [attrs for _, attrs in strict.found if any(key.startswith("on") or key == "style" for key in attrs)]
    assert all((attrs.get("href") or "#").startswith("#") for _, attrs in strict.found)
    assert not re.search(r"url\(|@import", strict_style(text))
    ids = [attrs["id"] for _, attrs in strict.found if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {attrs["href"] for attrs in strict.all("a")} <= {f"#{each}" for each in ids}
    pictures = strict.all("svg")
    assert len(pictures) >= 6
    assert all(each["role"] == "img" and each["aria-label"] for each in pictures)
    for section in re.findall(r"<section.*?</section>", text, re.DOTALL):
        assert section.count("<svg") <= section.count("<table>") + section.count('<table class="matrix">')
        assert section.count("<caption>") == section.count("<table")
        assert "How it is counted: " in section
    for hostile in HOSTILE[:4]:
        assert clean(hostile) not in text.replace(strict_style(text), "")


def strict_style(text: str) -> str:
    return text.partition("<style>")[2].partition("</style>")[0]


CONTRAST = """
(() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const behind = node => {
    for (let each = node; each; each = each.parentElement) {
      const found = getComputedStyle(each).backgroundColor;
      if (!/, 0\\)$/.test(found)) return found;
    }
    return 'rgb(255, 255, 255)';
  };
  const found = [];
  for (const node of document.querySelectorAll('h1, h2, p, li, a, th, td, dt, dd, dd small'))
    if (node.textContent.trim()) found.push([ratio(getComputedStyle(node).color, behind(node)), node.tagName]);
  for (const node of document.querySelectorAll('svg text')) {
    const cell = node.previousElementSibling;
    const under = /on\\d/.test(node.getAttribute('class')) ? getComputedStyle(cell).fill : behind(node.ownerSVGElement);
    found.push([ratio(getComputedStyle(node).fill, under), 'text ' + node.getAttribute('class')]);
  }
  for (const node of document.querySelectorAll('.bar'))
    found.push([ratio(getComputedStyle(node).fill, behind(node.ownerSVGElement)) * 1.5, 'bar']);
  return found.sort((p, q) => p[0] - q[0]).slice(0, 3);
})()
"""
"""The three poorest contrasts of the page; a bar needs 3:1, a text 4.5:1."""


PICTURE = """
new Promise(done => {
  const picture = new Image();
  picture.onload = () => done('loaded');
  picture.onerror = () => done('refused');
  picture.src = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>';
})
"""


@pytest.fixture
def browser(tmp_path: Path) -> Any:
    program = chromium.found()
    if program is None:
        if os.environ.get("SOCIALTRIAGE_REQUIRE_REAL"):
            pytest.fail("there is no Chromium")
        pytest.skip("there is no Chromium on this machine")
    with chromium.Chromium(program, tmp_path / "profile") as one:
        yield one


def test_every_figure_of_the_page_can_be_opened_into_its_cases(tmp_path: Path) -> None:
    desk, _ = october(tmp_path, config=CONFIG + REPORT)
    report = figures.make(desk, figures.span_called(desk, "week"))
    text = "".join(figures_html.as_html(report))
    found = [shlex.split(unescape(each)) for each in re.findall(r"<code>(.*?)</code>", text)]
    opened = 0
    for table in report.tables:
        for row in table.rows:
            at = {column.id: value for column, value in zip(table.columns, row.values, strict=True)}
            wanted = [row.search] if row.search and (at.get("cases") or at.get("value")) else []
            for search in [*wanted, *(each for name, each in row.also.items() if at[name])]:
                view = [] if row.view == "all" else ["--view", row.view]
                assert ["socialtriage", "list", *view, "--search", search] in found, (table.id, row.id)
                opened += 1
    assert opened > 50
    desk.close()


def test_in_a_real_browser_nothing_is_fetched_and_nothing_runs(tmp_path: Path, browser: chromium.Chromium) -> None:
    path = tmp_path / "figures.html"
    path.write_text(page(tmp_path / "desk"), encoding="utf-8")
    browser.open(path)
    asked = [event["request"]["url"] for event in browser.happened("Network.requestWillBeSent")]
    assert asked == [path.as_uri()]
    assert browser.happened("Log.entryAdded") == [], "the style sheet has the hash that the policy names"
    assert browser.happened("Runtime.exceptionThrown") == []
    assert "owned" not in browser.value("document.title").replace(HOSTILE[0], "")
    assert browser.value("document.querySelectorAll('script, img, iframe, link, [onload], [onerror]').length") == 0
    # What a policy in the page forbids is tried once more from inside.
    assert browser.value(PICTURE) == "refused"
    run = "(() => { const s = document.createElement('script'); s.textContent = \"document.title = 'owned'\";"
    browser.value(run + " document.body.append(s); })()")
    assert browser.value("document.title") != "owned"

    grounds = {}
    for kind, scheme in (("screen", "light"), ("screen", "dark"), ("print", "dark")):
        browser.media(kind, scheme)
        grounds[kind, scheme] = browser.value("getComputedStyle(document.body).backgroundColor")
        poorest = browser.value(CONTRAST)
        assert poorest[0][0] >= 4.5, f"{kind} {scheme}: {poorest}"
    assert grounds == {
        ("screen", "light"): "rgb(255, 255, 255)",
        ("screen", "dark"): "rgb(20, 24, 29)",
        ("print", "dark"): "rgb(255, 255, 255)",
    }
    assert browser.value("getComputedStyle(document.querySelector('nav')).display") == "none", "no contents on paper"
    browser.media()
    browser.ask("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=True)
    assert browser.value("document.documentElement.scrollWidth") <= 360, "a telephone need not scroll sideways"
    tree = browser.ask("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in tree if not node.get("ignored")]
    assert roles.count("heading") == len(re.findall(r"<h[12]", path.read_text(encoding="utf-8")))
    assert {"main", "navigation", "table", "columnheader", "rowheader", "caption"} <= set(roles) | {"caption"}
    assert all(
        node["name"]["value"] for node in tree if node["role"]["value"] in ("image", "img") and not node.get("ignored")
    )
