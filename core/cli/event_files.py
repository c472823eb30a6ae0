"""Learning curves of a run and its twin as event files, for TensorBoard."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from core.basics.errors import SettingsError
from core.store.run_folder import Run

PACKAGE = "tensorboard"  # writes the files; no requirement, since few people ask for them


def check_can_write(folder: Path, folds: int = 0) -> None:
    """Raise SettingsError, before anything is trained, where no event file can be written."""
    if folds:
        raise SettingsError(
            what="--tensorboard writes the epochs of one run, and --cold-folds makes several.",
            hint="Leave one of the two out.",
        )
    if find_spec(PACKAGE) is None:
        raise SettingsError(
            what=f"--tensorboard needs the package {PACKAGE}, which is not installed.",
            hint=f"Install it with `pip install {PACKAGE}`, or leave the flag out.",
        )
    if folder.exists() and not folder.is_dir():
        raise SettingsError(
            what=f"{folder} is a file.", hint="Give --tensorboard a folder, new or not."
        )


def write_curves(run: Run, folder: Path) -> list[Path]:
    """Write loss and validation per epoch of a run and its twin, a folder each; return these.

    The folders are named by the run, so that runs stand beside each other in one TensorBoard. A
    closed form has no epochs to watch, and so no points.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    found = []
    for one in (run, run.twin):
        if one is None:
            continue
        place = folder / run.id / one.record.role
        writer = EventFileWriter(str(place))
        valid = f"validation/{run.card.task.metric}"
        for point in one.record.curve:
            values = [
                Summary.Value(tag=tag, simple_value=float(point[name]))
                for tag, name in (("loss", "loss"), (valid, "valid"))
                if point.get(name) is not None
            ]
            summary = Summary(value=values)
            writer.add_event(
                Event(wall_time=run.record.created, step=point["epoch"], summary=summary)
            )
        writer.close()
        found.append(place)
    return found
