"""Run in an interpreter of its own: the inbox up to its first frame, then which of the named modules are loaded."""

from __future__ import annotations

import asyncio
import json
import sys


def main() -> None:
    config, store, *names = sys.argv[1:]
    from socialtriage.cli.env import Env

    env = Env(config, store)
    env.recall_config()
    from socialtriage.ui.app import TriageApp

    loaded: list[str] = []

    class Watched(TriageApp):
        def _after_first_frame(self) -> None:
            loaded.extend(name for name in names if name in sys.modules)
            self.exit()

    async def run() -> None:
        app = Watched(env.desk)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()

    asyncio.run(run())
    env.close()
    print(json.dumps(loaded))
    env.prove_config()


main()
