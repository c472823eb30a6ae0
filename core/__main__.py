"""Crosswalk without a screen: `python -m core models | check | run | search | report | …`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from core.cli.parser import parser

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it is done, 2 with two sentences on stderr when it cannot be."""
    options = parser().parse_args(arguments)
    if getattr(options, "threads", None):
        for variable in THREAD_VARIABLES:  # before NumPy is imported, which reads them once
            os.environ[variable] = str(options.threads)
    from core.cli import commands

    try:
        # One JSON object on the last line, or the same thing in words; a text as it is
        answer = getattr(commands, options.command)(options)
        if not options.json and not isinstance(answer, str):
            from core.cli.words import in_words

            answer = in_words(options.command, answer)
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        print(text, flush=True)
    except BrokenPipeError:  # whoever read had enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if (said := _said_of(error)) is None:
            raise
        print(said, file=sys.stderr)
        return 2
    return 0


def _said_of(error: Exception) -> str | None:
    """What went wrong in two sentences; None for what nobody foresaw."""
    from core.basics.errors import CrosswalkError
    from core.basics.files import said_of_full

    if full := said_of_full(error, "this could not be done"):
        return str(full)
    if isinstance(error, MemoryError):
        return f"{error or 'Memory ran out'}. Take fewer rows or a smaller model."
    if isinstance(error, CrosswalkError):
        return str(error)
    return _refused(error) if isinstance(error, OSError) else None


def _refused(error: OSError) -> str:
    """What the system refused, with the file it is about."""
    reason = error.strerror or type(error).__name__
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{reason}. Check the path, its permissions and the disk."


if __name__ == "__main__":
    sys.exit(main())
