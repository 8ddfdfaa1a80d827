"""The program in this process: what `Shell` runs, without the price of an interpreter for every command."""

from __future__ import annotations

import functools
import ssl
from typing import TYPE_CHECKING

from click.testing import CliRunner

from tests.doubles.shell import Ran, Shell

if TYPE_CHECKING:
    import pytest

_contexts = functools.cache(ssl.create_default_context)


def one_tls_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the system's certificates once: nothing here is signed, and every client would read them anew."""
    monkeypatch.setattr(ssl, "create_default_context", _contexts)


class Inside(Shell):
    """As `Shell`, for stories of many commands; `popen` still starts a process."""

    def run(self, *args: str, stdin: str = "", officer: str | None = None) -> Ran:
        """Run a command to its end."""
        from socialtriage.cli.main import run_command

        environment = {k: v for k, v in self.environment.items() if k.startswith(("SOCIALTRIAGE", "PYTHON"))}
        environment |= {"SOCIALTRIAGE_OFFICER": officer} if officer else {}
        with CliRunner().isolation(input=stdin, env=environment) as (out, err, *_):
            status = run_command(args)
            ran = Ran(status, out.getvalue().decode(), err.getvalue().decode())
        # Servers of the test, in threads of this process, say there too that a client went away.
        assert ran.err.count("Traceback") == ran.err.count("Exception occurred during processing of request"), ran.err
        return ran
