"""From files on disk to snapshots, without a screen: import, pair, split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, RATING, SOURCE, TARGET, USER, VECTOR
from core.basics.errors import DataError
from core.basics.fingerprint import fingerprint
from core.basics.progress import Report, silent
from core.basics.wording import count
from core.basics.workspace import Workspace
from core.data.build_pair import build_pair
from core.data.database import in_memory
from core.data.datasets import INTERACTIONS, ITEMS, TRIPLES
from core.data.ingest import ImportReport, import_file
from core.data.new_items import NEW_ITEMS
from core.data.pair_folder import read_pair_info
from core.data.pair_settings import PairInputs, PairSettings
from core.data.preview import guess_options
from core.data.quality import check_pair, read_checks
from core.data.snapshot import PARTS, SplitTables, write_snapshot
from core.data.splitting import (
    COLD_FOLD,
    TEST_ROW,
    TRAIN_ROW,
    VALID_ROW,
    SplitSettings,
    assign_parts,
    split_folds,
    split_pair,
)
from core.data.triple_file import with_triples


@dataclass(frozen=True)
class PairFiles:
    """What a command was given: two files of interactions, or a folder of a split."""

    source: Path | None = None
    target: Path | None = None
    items_source: Path | None = None
    items_target: Path | None = None
    splits: Path | None = None
    swap: bool = False
    new_items: float = 0.0  # share of the target items to hide for a test; 0: a random split
    triples: Path | None = None
    rated: bool = False  # for models of ratings: no row is filtered away by its rating


def pair_snapshot(
    files: PairFiles, workspace: Workspace, seed: int, say: Callable[[str], None]
) -> Path:
    """A snapshot of the given split, or of one made here: random, or of new items where asked for.

    Answers its folder. New items are drawn from the rows of a given split together.
    """
    if files.new_items:
        chosen = SplitSettings.of({"kind": NEW_ITEMS, "new_share": files.new_items})
        if files.splits:
            return _split_again(_given_tables(files, workspace, say), chosen, seed, workspace)
        return split_pair(_pair(files, workspace, say), chosen, seed, workspace.splits)
    if files.splits:
        tables = _given_tables(files, workspace, say)
        return _write_given(tables, workspace, "given files", seed, {})
    return split_pair(_pair(files, workspace, say), SplitSettings(), seed, workspace.splits)


def fold_snapshots(
    files: PairFiles, workspace: Workspace, folds: int, seed: int, say: Callable[[str], None]
) -> list[Path]:
    """One snapshot per cold-start fold over the shared users of the pair or the given split."""
    settings = SplitSettings(kind=COLD_FOLD, folds=folds)
    if not files.splits:
        return split_folds(_pair(files, workspace, say), settings, seed, workspace.splits)
    given = _given_tables(files, workspace, say)
    return [
        _split_again(given, replace(settings, fold=fold), seed, workspace)
        for fold in range(1, folds + 1)
    ]


def _split_again(
    given: SplitTables, chosen: SplitSettings, seed: int, workspace: Workspace
) -> Path:
    """A snapshot of the rows of a given split, put together and split as chosen."""
    parts = [given.target_train, given.target_valid, given.target_test]
    target = pd.concat(parts, ignore_index=True).drop_duplicates([USER, ITEM], ignore_index=True)
    codes = assign_parts(given.source_train, target, chosen, seed).target
    tables = replace(
        given,
        target_train=target[codes == TRAIN_ROW],
        target_valid=target[codes == VALID_ROW],
        target_test=target[codes == TEST_ROW],
    )
    return _write_given(tables, workspace, chosen.kind, seed, chosen.to_dict())


def imported(
    path: Path, kind: str, workspace: Workspace, say: Callable[[str], None],
    report: Report = silent,
) -> ImportReport:  # fmt: skip
    """Import a file; encoding, delimiter and columns are guessed from it, and what is lost is said.

    Raises DataError where the file is not there or cannot be read.
    """
    if not path.is_file():
        raise DataError(what=f"There is no file {path}.", hint="Check the path.")
    done = import_file(path, guess_options(path, kind), workspace.datasets, report)
    if done.rejected or done.merged:
        say(f"{path.name}: {done.rows:,} rows = {done.kept:,} kept + {done.rejected:,} rejected "
            f"+ {done.merged:,} merged, see {done.folder}")  # fmt: skip
    if done.skipped:
        say(f"{path.name}: {count(done.skipped, 'line')} before the table or of comments skipped")
    if done.vectors is not None:
        say(f"{path.name}: {done.vectors.words()}")
    return done


def _pair(files: PairFiles, workspace: Workspace, say: Callable[[str], None]) -> Path:
    """The pair of two files, named after them; what its checks doubt is said before training."""
    if files.source is None or files.target is None:
        raise DataError(
            what="A run needs data.", hint="Give --source and --target, or a folder with --splits."
        )
    source, target = (
        imported(path, INTERACTIONS, workspace, say) for path in (files.source, files.target)
    )
    tables = {
        f"items_{domain}": _rows_file(imported(path, ITEMS, workspace, say)) if path else None
        for domain, path in ((SOURCE, files.items_source), (TARGET, files.items_target))
    }
    triples = imported(files.triples, TRIPLES, workspace, say) if files.triples else None
    inputs = PairInputs(
        _rows_file(source), _rows_file(target), **tables,
        triples=_rows_file(triples) if triples else None,
        source_name=source.name, target_name=target.name,
    )  # fmt: skip
    connection = in_memory(workspace.root)
    try:
        pair = build_pair(connection, inputs, _pair_settings(files), workspace.pairs)
        if files.triples:
            say(read_pair_info(pair).warnings[-1])
        checks = read_checks(pair)
        for check in check_pair(connection, pair, inputs) if checks is None else checks:
            if check.light in ("amber", "red"):
                say(f"{check.light}: {check.question} {check.answer}")
    finally:
        connection.close()
    return pair


def _pair_settings(files: PairFiles) -> PairSettings:
    every_rating = {"rating_threshold": 0.0} if files.rated else {}
    return PairSettings.of({"swap": files.swap, **every_rating})


def _given_tables(
    files: PairFiles, workspace: Workspace, say: Callable[[str], None]
) -> SplitTables:
    """The four files of a split, row by row as they are, and item tables where there are any."""
    if files.swap:
        raise DataError(
            what="A given split cannot be swapped: nothing of its source is held out.",
            hint="Leave out --swap, or give --source and --target instead of --splits.",
        )
    assert files.splits is not None
    frames = {
        part: _rows(imported(files.splits / f"{part}.csv", INTERACTIONS, workspace, say))
        for part in PARTS
    }
    items = {
        f"items_{domain}": _items(path, workspace, say)
        for domain, path in ((SOURCE, files.items_source), (TARGET, files.items_target))
    }
    tables = SplitTables(**frames, **items)
    if files.triples is None:
        return tables
    facts = _rows(imported(files.triples, TRIPLES, workspace, say))
    target = pd.concat([tables.target_train, tables.target_valid, tables.target_test])
    ids = {SOURCE: tables.source_train[ITEM], TARGET: target[ITEM]}
    added, used = with_triples(facts, ids, {domain: items[f"items_{domain}"] for domain in ids})
    say(used.words())
    return replace(tables, items_source=added[SOURCE], items_target=added[TARGET])


def _rows(done: ImportReport) -> pd.DataFrame:
    return pd.read_parquet(_rows_file(done))


def _rows_file(done: ImportReport) -> Path:
    return done.folder / f"{done.kind}.parquet"


def _items(
    path: Path | None, workspace: Workspace, say: Callable[[str], None]
) -> pd.DataFrame | None:
    if path is None:
        return None
    return _rows(imported(path, ITEMS, workspace, say))


def _content_of_vectors(table: pd.DataFrame) -> list[np.ndarray]:
    """Which items have a vector, and all their numbers; nothing for a table without."""
    if VECTOR not in table:
        return []
    there = table[VECTOR].dropna()
    numbers = [np.asarray(row, dtype=np.float32) for row in there]
    return [table[VECTOR].notna().to_numpy(), np.concatenate([np.zeros(0, np.float32), *numbers])]


def _write_given(
    tables: SplitTables, workspace: Workspace, kind: str, seed: int, settings: dict
) -> Path:
    """Rows of a given split are positives already; the dataset is their union, split or not.

    Ratings stay as they stand in the files, and belong to the dataset where they differ; so do the
    item tables, where there are any.
    """
    target = pd.concat([tables.target_train, tables.target_valid, tables.target_test])
    content = [frame.drop_duplicates([USER, ITEM]) for frame in (tables.source_train, target)]
    ordered = [frame.sort_values([USER, ITEM]) for frame in content]
    columns = [frame[name].to_numpy(dtype=object) for frame in ordered for name in (USER, ITEM)]
    columns += [
        frame[RATING].to_numpy(np.float32)
        for frame in ordered
        if RATING in frame and frame[RATING].nunique() > 1
    ]
    for items in (tables.items_source, tables.items_target):
        if items is not None:
            table = items.sort_values(ITEM)
            columns += [np.array([*table.columns], dtype=object)]
            columns += [
                table[column].to_numpy(dtype=object) for column in table if column != VECTOR
            ]
            columns += _content_of_vectors(table)
    return write_snapshot(
        workspace.splits, tables, source_name="source", target_name="target", kind=kind,
        seed=seed, settings=settings, dataset_hash=fingerprint(*columns),
    )  # fmt: skip
