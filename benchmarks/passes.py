"""One pass over forty accounts that are far away, and many officers at one store."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from benchmarks import council, network
from benchmarks.measure import percentile
from benchmarks.report import Row, milliseconds
from socialtriage.channels.http import Http
from socialtriage.config.model import Config
from socialtriage.domain.errors import StoreError
from socialtriage.domain.models import Author, Incoming, Page, Urgency, Visibility
from socialtriage.domain.text import clean, clean_line
from socialtriage.domain.times import utc_now
from socialtriage.domain.views import Query
from socialtriage.services import inbox, triage
from socialtriage.services.desk import Desk, open_desk
from socialtriage.services.intake import take_in
from socialtriage.services.sync import Poller

LATENCY = 0.2
ACCOUNTS = 40
SECONDS = 10.0
BATCH = 100


def forty() -> list[Row]:
    """Forty accounts at 200 ms a request against one of them alone; each has ten new mentions, of people of its own."""
    with tempfile.TemporaryDirectory() as folder:
        alone = asyncio.run(_pass(Path(folder) / "one.db", 1))
        together = asyncio.run(_pass(Path(folder) / "forty.db", ACCOUNTS))
    what = f"one pass over {ACCOUNTS} accounts, 200 ms away"
    return [Row(what, None, milliseconds(alone), milliseconds(together), together / alone, 1.5)]


async def _pass(path: Path, count: int) -> float:
    config: Config = council.config(count, paused=False)
    servers = {str(account.server): network.Mastodon() for account in config.accounts}
    for number, server in enumerate(servers.values()):
        server.add(network.notifications(10, council.NOW, number, first_person=1 + 5 * number))

    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(LATENCY)
        server = servers[f"{request.url.scheme}://{request.url.netloc.decode()}"]
        query: dict[str, Any] = {name: request.url.params[name] for name in request.url.params}
        status, headers, body = server.read(request.url.path, query)
        return httpx.Response(status, headers=headers, content=body)

    desk = open_desk(config, path, officer="JS", clock=lambda: council.NOW)
    poller = Poller(desk, network.FixedSecrets(), Http(transport=httpx.MockTransport(answer)))
    try:
        started = time.perf_counter()
        results = await poller.once(config.accounts)
        spent = time.perf_counter() - started
    finally:
        await poller.aclose()
        desk.close()
    faults = [result.error for result in results if result.error]
    if faults:
        raise RuntimeError(faults[0])
    return spent


def _intake(path: str, results: Any) -> None:
    """One process that takes in pages of a hundred messages, as fast as it can with a breath between them."""
    with closing(_desk(path, "poller")) as desk:
        end, number, faults = time.monotonic() + SECONDS, 0, 0
        account = desk.config.accounts[0]
        while time.monotonic() < end:
            items = tuple(_item(number + n) for n in range(BATCH))
            number += BATCH
            try:
                take_in(desk, account, Page(items=items))
            except StoreError:
                faults += 1
            time.sleep(0.02)
        results.put(("intake", number, faults, []))


def _item(number: int) -> Incoming:
    who = clean_line(f"@p{number % 5000}@town.example")
    text = clean(f"my bin was missed again, number {number}")
    identity = f"m{number}"
    return Incoming(identity, Author(who, who, who), text, utc_now(), Visibility.PUBLIC, identity)


def _officer(path: str, results: Any, name: str) -> None:
    """One screen: reads the queue, tags a case, again and again, at the pace of a very fast officer."""
    with closing(_desk(path, name)) as desk:
        desk.prepare()  # as the inbox does behind its first frame
        end, faults, times = time.monotonic() + SECONDS, 0, []
        while time.monotonic() < end:
            ids = inbox.snapshot(desk, Query())
            if not ids:
                time.sleep(0.05)
                continue
            inbox.rows(desk, ids[:50])
            started = time.perf_counter()
            try:
                triage.tag(desk, [int(ids[hash((name, started)) % len(ids)])], urgency=Urgency.LOW)
            except StoreError:
                faults += 1
            times.append(time.perf_counter() - started)
            time.sleep(0.1)
        results.put(("officer", len(times), faults, times))


def _desk(path: str, officer: str) -> Desk:
    return open_desk(council.config(), Path(path), officer=officer)


def together(size: int) -> list[Row]:
    """One poller and five screens on one store for ten seconds: lock errors, and how long officers' writes take."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "desk.db")
        _desk(path, "first").close()
        context = multiprocessing.get_context("spawn")
        results: Any = context.Queue()
        workers = [context.Process(target=_intake, args=(path, results))]
        workers += [context.Process(target=_officer, args=(path, results, f"O{n}")) for n in range(5)]
        for worker in workers:
            worker.start()
        said = [results.get(timeout=120) for _ in workers]
        for worker in workers:
            worker.join()
    faults = sum(each[2] for each in said)
    writes = [spent for each in said for spent in each[3]]
    taken = json.dumps(sum(each[1] for each in said if each[0] == "intake"))
    p99 = percentile(writes, 0.99) * 1000
    return [
        Row("one poller and five screens, 10 s: lock errors", None, "0", str(faults), faults, 0, unit="errors"),
        Row("the same: officers' writes, p99", None, f"{taken} taken in", f"{p99:.0f} ms", p99, 50, unit="ms"),
    ]
