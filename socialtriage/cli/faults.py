"""What went wrong, in sentences on standard error and as an exit status; nothing here needs the command parser."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from socialtriage.domain.errors import ConfigError, SocialTriageError, UsageError


def guarded(work: Callable[[], int]) -> int:
    """What `work` returns, or the exit status of what it raises: 1 something did not succeed, 2 wrong usage."""
    try:
        return work()
    except ConfigError as exc:
        return _say(exc, [*exc.problems] or [exc.message], 2)
    except UsageError as exc:
        return _say(exc, [exc.message], 2)
    except SocialTriageError as exc:
        return _say(exc, [exc.message, *getattr(exc, "changes", ())], 1)
    except BrokenPipeError:
        _give_up_output()
        return 1
    except OSError as exc:
        return _system(exc)
    except Exception as exc:
        return _fault(exc)


def _say(exc: SocialTriageError, lines: Sequence[str], status: int) -> int:
    from socialtriage.domain.text import clean

    _logged("info", exc.message, exc)
    for line in filter(None, [*lines, exc.hint]):
        _tell(clean(line))
    return status


def _system(exc: OSError) -> int:
    """The system's refusal: a full disk behind the output, a folder that cannot be made."""
    _logged("warning", "refused by the system", exc)
    where = f"{os.fsdecode(exc.filename)} cannot be used" if isinstance(exc.filename, str | bytes) else "That failed"
    _tell(f"{where}: {exc.strerror or type(exc).__name__}.")
    _give_up_output()
    return 1


def _fault(exc: Exception) -> int:
    _logged("error", "fault", exc)
    _tell(f"A fault in socialtriage ({type(exc).__name__}); nothing was half done.")
    if "-v" not in sys.argv and "--verbose" not in sys.argv:
        _tell("Run the same again with -v to write a log of it.")
    return 1


def _tell(line: str) -> None:
    if sys.stderr is not None:
        print(line, file=sys.stderr, flush=True)


def _give_up_output() -> None:
    """What is left in the buffers goes nowhere: flushing it at the end would fail again."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _logged(level: str, message: str, exc: Exception) -> None:
    import logging

    from socialtriage.cli.logs import quiet

    quiet()
    getattr(logging.getLogger(__name__), level)("%s", message, exc_info=exc)
