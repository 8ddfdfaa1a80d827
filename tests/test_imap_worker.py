"""Blocking work beside the event loop: awaited, given up, and never in the way of the program's end."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time

import pytest

from socialtriage.mail.worker import Worker


def test_work_runs_in_order_in_one_thread_and_errors_come_back() -> None:
    async def story() -> None:
        worker = Worker("test", lambda: None)
        names = await asyncio.gather(*(worker.run(lambda: threading.current_thread().name) for _ in range(3)))
        assert names == ["test"] * 3
        with pytest.raises(ZeroDivisionError):
            await worker.run(lambda: 1 // 0)
        ended = threading.Event()
        await worker.close(ended.set)
        assert ended.is_set()
        await worker.close(ended.clear)
        assert ended.is_set()

    asyncio.run(story())


def test_closing_aborts_what_still_runs() -> None:
    async def story() -> None:
        line = threading.Event()
        worker = Worker("test", line.set)
        task = asyncio.ensure_future(worker.run(line.wait, 20))
        await asyncio.sleep(0)
        task.cancel()
        started = time.monotonic()
        await worker.close(lambda: None)
        assert time.monotonic() - started < 5
        assert line.is_set()

    asyncio.run(story())


def test_an_answer_after_the_loop_ended_is_dropped() -> None:
    release = threading.Event()
    worker = Worker("test", lambda: None)

    async def story() -> None:
        task = asyncio.ensure_future(worker.run(release.wait, 20))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(story())
    release.set()


PROGRAM = """
import asyncio, sys
sys.path.insert(0, {root!r})
from tests.doubles.imap_reader import Reader

async def story():
    task = asyncio.create_task(Reader("imap://127.0.0.1:{port}").poll())
    await asyncio.to_thread(sys.stdin.readline)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass

asyncio.run(story())
print("ended", flush=True)
"""


def test_a_server_that_never_greets_does_not_hold_the_program_up() -> None:
    root = __file__.rpartition("/tests/")[0]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(20)
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(root=root, port=silent.getsockname()[1])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with program:
            connection, _ = silent.accept()
            with connection:
                started = time.monotonic()
                said, _ = program.communicate("go\n", timeout=20)
                assert said == "ended\n"
                assert program.returncode == 0
                assert time.monotonic() - started < 8
