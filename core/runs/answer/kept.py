"""An answer as it was found, kept by what it was made of: a start reads no user's figures again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from core.basics.errors import CrosswalkError
from core.basics.files import fingerprint, read_json, write_json
from core.basics.workspace import Workspace
from core.runs.answer.groups import Answer, Read, Segments, answer_of, group_of
from core.store.run_folder import Run

VERSION = 2  # another where the rules of an answer change


def kept_answer(
    workspace: Workspace,
    pair: str,
    runs: Sequence[Run],
    first: Run | None,
    read: Read = Run.metrics,
    segments: Segments | None = None,
) -> Answer | None:
    """What `answer_of` says of the pair's runs; found anew only where a run came, went or changed.

    pair: dataset hash. Where there is no room to keep it, it is found anew the next time.
    """
    file = workspace.answers / f"{pair}.json"
    # What is measured on a run afterwards, such as other seeds, changes its folder
    made_of = sorted((run.id, run.folder.stat().st_mtime_ns) for run in runs)
    key = fingerprint("answer", VERSION, made_of, first.id if first else "")
    with suppress(CrosswalkError, LookupError, TypeError, ValueError):
        kept = read_json(file)
        if kept["key"] == key:
            groups = [group_of(told, runs) for told in kept["groups"]]
            names = kept["names"]["source"], kept["names"]["target"]
            return Answer(*names, group_of(kept["everybody"], runs), groups)
    found = answer_of(workspace, runs, first, read, segments)
    if found is not None:
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            write_json(file, found.to_dict() | {"key": key})
    return found
