"""From files on disk to snapshots, without a screen: import, pair, split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.basics.columns import COUNT, ITEM, PART, RATING, SOURCE, TARGET, TIME, USER, VECTOR
from core.basics.errors import DataError
from core.basics.files import fingerprint
from core.basics.progress import Report, silent
from core.basics.workspace import Workspace
from core.cli.flags import FileChoices, named_by_flags
from core.cli.reading import (
    Reading,
    account_of,
    account_words,
    answer_to,
    named,
    read_choices,
    refuse_doubts,
)
from core.data.build_pair import build_pair, disliked_in_words, pair_in_words
from core.data.checks.check import GIVEN, Check, checks_of, keep_checks, read_checks
from core.data.checks.given import check_given, parts_in_words
from core.data.checks.item_match import best_item_column
from core.data.checks.quality import check_pair
from core.data.database import in_memory
from core.data.filters import liked_of
from core.data.pair_folder import PairInputs, PairSettings, read_pair_info
from core.data.reading.ingest import ImportReport, clean_name, import_file
from core.data.reading.options import IGNORE, INTERACTIONS, ITEMS, LABELS, LINKS, TRIPLES
from core.data.snapshot import PARTS, RECORD, SplitTables, write_snapshot
from core.data.splitting import (
    BY_TIME,
    TEST_ROW,
    TRAIN_ROW,
    VALID_ROW,
    SplitSettings,
    assign_parts,
    check_times,
    deal_disliked,
    split_folds,
    split_pair,
)
from core.data.triples import with_triples
from core.store.run_folder import Run


@dataclass(frozen=True)
class PairFiles:
    """What a command was given: two files of interactions, or a folder of a split.

    choices: what was said about each file, by its name in core/cli/flags.py. pair, split: settings
    of PairSettings and SplitSettings by name, only those that were given.
    """

    source: Path | None = None
    target: Path | None = None
    items_source: Path | None = None
    items_target: Path | None = None
    splits: Path | None = None
    links: Path | None = None
    triples: Path | None = None
    swap: bool = False
    rated: bool = False  # for models of ratings: no row is filtered away by its rating
    choices: Mapping[str, FileChoices] = field(default_factory=dict)
    pair: Mapping[str, Any] = field(default_factory=dict)
    split: Mapping[str, Any] = field(default_factory=dict)

    def said_of(self, file: str) -> FileChoices:
        """What was said about a file; nothing where nobody said anything."""
        return self.choices.get(file, FileChoices())

    @property
    def times_count(self) -> bool:
        """Whether the result depends on when something happened."""
        by_days = self.pair.get("first_day") or self.pair.get("last_day")
        return bool(by_days) or self.split.get("kind") in BY_TIME


@dataclass
class Account:
    """What became of every file and row: told at once, line by line, and kept for the answer."""

    tell: Callable[[str], None]
    files: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # sentences
    steps: dict[str, dict[str, int]] = field(default_factory=dict)  # step -> domain -> rows left
    given: dict[str, Any] = field(default_factory=dict)  # what is odd about the parts of a split
    checks: list[Check] = field(default_factory=list)

    def leave_out(self, sentence: str) -> None:
        """Tell what is dropped, merged or left out, and keep the sentence."""
        self.left_out.append(sentence)
        self.tell(sentence)

    def doubt(self, checks: Sequence[Check]) -> None:
        """Keep the checks and tell those that are not green."""
        self.checks += checks
        for check in checks:
            if check.light in ("amber", "red"):
                self.tell(f"{check.light}: {check.question} {check.answer}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; checks are told by the command."""
        given = {"given": self.given} if self.given else {}
        return {"files": self.files, "rows_left": self.steps, "left_out": self.left_out, **given}


def pair_snapshot(files: PairFiles, workspace: Workspace, seed: int, account: Account) -> Path:
    """A snapshot of the given split, or of one made here as chosen, by default random.

    Answers its folder. Any chosen split is drawn from the rows of a given split together.
    """
    with named_by_flags():
        chosen = SplitSettings.of(dict(files.split))
    if not files.splits:
        return split_pair(made_pair(files, workspace, account), chosen, seed, workspace.splits)
    tables = _given_tables(files, workspace, account)
    liked_from = files.pair.get("rating_threshold", 0.0)
    if files.split:
        folder = _split_again(tables, chosen, seed, workspace, liked_from)
    else:
        folder = _write_given(tables, workspace, "given files", seed, {}, liked_from)
    keep_checks(folder, account.checks, folder / RECORD)
    return folder


def fold_snapshots(
    files: PairFiles, workspace: Workspace, folds: Mapping[str, Any], seed: int, account: Account
) -> list[Path]:
    """One snapshot per fold over the users or the rows of the pair or the given split.

    folds: what SplitSettings are told, the number of a fold apart.
    """
    settings = SplitSettings.of(dict(folds))
    if not files.splits:
        return split_folds(made_pair(files, workspace, account), settings, seed, workspace.splits)
    given = _given_tables(files, workspace, account)
    liked_from = files.pair.get("rating_threshold", 0.0)
    folders = [
        _split_again(given, replace(settings, fold=fold), seed, workspace, liked_from)
        for fold in range(1, settings.folds + 1)
    ]
    for folder in folders:
        keep_checks(folder, account.checks, folder / RECORD)
    return folders


def _split_again(
    given: SplitTables, chosen: SplitSettings, seed: int, workspace: Workspace, liked_from: float
) -> Path:
    """A snapshot of the rows of a given split, put together and split as chosen."""
    parts = [given.target_train, given.target_valid, given.target_test]
    target = pd.concat(parts, ignore_index=True).drop_duplicates([USER, ITEM], ignore_index=True)
    if chosen.kind in BY_TIME:
        domains = ((SOURCE, given.source_train), (TARGET, target))
        check_times({domain: rows[TIME] for domain, rows in domains if TIME in rows})
    places = assign_parts(given.source_train, target, chosen, seed)
    disliked = deal_disliked(given.disliked, target, places.target, chosen, seed)
    tables = replace(
        given,
        source_train=given.source_train[places.source],
        target_train=target[places.target == TRAIN_ROW],
        target_valid=target[places.target == VALID_ROW],
        target_test=target[places.target == TEST_ROW],
        disliked=disliked,
    )
    return _write_given(tables, workspace, chosen.kind, seed, chosen.to_dict(), liked_from)


def imported(
    path: Path,
    kind: str,
    file: str,
    files: PairFiles,
    workspace: Workspace,
    account: Account,
    report: Report = silent,
    rated: ImportReport | None = None,
) -> ImportReport:
    """Import one of FILES as it was told and is plainly named; what is lost is said.

    rated: the interactions that an item table belongs to, which tell its column of items.

    Raises DataError where the file is not there, cannot be read, or leaves open what matters.
    """
    reading = read_choices(path, kind, files.said_of(file), file, files.times_count)
    refuse_doubts(reading, file)
    try:
        if rated is not None and ITEM not in files.said_of(file).columns:
            reading = _by_known_items(reading, rated, account)
        done = import_file(path, reading.options, workspace.datasets, report)
    except DataError as error:
        raise named(error, path) from error
    counts = account_of(reading, done, file)
    account.files.append(counts)
    account.tell(account_words(counts))
    for sentence in reading.said:
        account.leave_out(sentence)
    lost = [f"{counts[what]:,} {what}" for what in ("rejected", "merged") if counts[what]]
    if lost:
        account.left_out.append(f"{path.name}: {' and '.join(lost)} of {done.rows:,} rows.")
    for note in done.notes():
        account.leave_out(f"{path.name}: {note}")
    if done.vectors is not None:
        account.tell(f"{path.name}: {done.vectors.words()}")
    return done


def _by_known_items(reading: Reading, rated: ImportReport, account: Account) -> Reading:
    """The reading of an item table by the column that holds most items of the interactions."""
    known = pd.read_parquet(_rows_file(rated), columns=[ITEM])[ITEM].unique()
    best = best_item_column(reading.path, reading.options, known)
    taken = reading.options.columns()[ITEM]
    if best is None or best.column == taken:
        return reading
    roles = reading.options.roles | {taken: IGNORE, best.column: ITEM}
    options = replace(reading.options, roles=roles)
    account.leave_out(
        f"{best.words(reading.path.name)} It is taken as the item in place of {taken}."
    )
    columns = reading.columns | {LABELS[ITEM]: best.column}
    return replace(reading, options=options, columns=columns)


def made_pair(files: PairFiles, workspace: Workspace, account: Account) -> Path:
    """The pair of two files, named after them; what its checks doubt is said before training."""
    if files.source is None or files.target is None:
        raise DataError(
            what="This command needs data.",
            hint="Give --source and --target, or a folder with --splits.",
        )
    if files.source.resolve() == files.target.resolve():
        account.leave_out(
            f"{files.source.name} is source and target at once, so everything is known from the "
            "source already. Figures of such a pair say nothing about crossing domains."
        )
    settings = _pair_settings(files)
    source, target = (
        imported(path, INTERACTIONS, file, files, workspace, account)
        for path, file in ((files.source, SOURCE), (files.target, TARGET))
    )
    rated = {"items-source": source, "items-target": target}
    others: dict[str, Path | None] = {
        name: _rows_file(
            imported(path, kind, file, files, workspace, account, rated=rated.get(file))
        )
        if path
        else None
        for name, kind, file, path in (
            ("items_source", ITEMS, "items-source", files.items_source),
            ("items_target", ITEMS, "items-target", files.items_target),
            ("links", LINKS, "links", files.links),
            ("triples", TRIPLES, "triples", files.triples),
        )
    }
    inputs = PairInputs(
        _rows_file(source),
        _rows_file(target),
        **others,
        source_name=source.name,
        target_name=target.name,
    )
    connection = in_memory(workspace.root)
    try:
        pair = build_pair(connection, inputs, settings, workspace.pairs, True)
        info = read_pair_info(pair)
        for sentence in pair_in_words(info):
            account.leave_out(sentence)
        account.steps = info.steps
        checks = read_checks(pair)
        account.doubt(check_pair(connection, pair, inputs) if checks is None else checks)
    finally:
        connection.close()
    return pair


def doubts_of(files: PairFiles) -> list[dict[str, str]]:
    """What the files leave open, with the flags that answer it; nothing is imported."""
    found = []
    # Path, name among FILES and kind of every file that was given
    parts = split_files(files.splits).items() if files.splits else ()
    given = [(path, part.split("_")[0], INTERACTIONS) for part, path in parts]
    others = (
        (files.source, SOURCE, INTERACTIONS),
        (files.target, TARGET, INTERACTIONS),
        (files.items_source, "items-source", ITEMS),
        (files.items_target, "items-target", ITEMS),
        (files.links, "links", LINKS),
        (files.triples, "triples", TRIPLES),
    )
    every_file = given + [(path, file, kind) for path, file, kind in others if path]
    for path, file, kind in every_file:
        reading = read_choices(path, kind, files.said_of(file), file, files.times_count)
        found += [
            {
                "file": path.name,
                "column": doubt.column,
                "what": doubt.what,
                "answer": answer_to(doubt, file),
            }
            for doubt in reading.doubts
        ]
    return found


def _pair_settings(files: PairFiles) -> PairSettings:
    every_rating = {"rating_threshold": 0.0} if files.rated else {}
    with named_by_flags():
        return PairSettings.of({"swap": files.swap, **every_rating, **files.pair})


def _given_tables(files: PairFiles, workspace: Workspace, account: Account) -> SplitTables:
    """The four files of a split, row by row as they are, and item tables where there are any."""
    if files.swap:
        raise DataError(
            what="A given split cannot be swapped: nothing of its source is held out.",
            hint="Leave out --swap, or give --source and --target instead of --splits.",
        )
    assert files.splits is not None
    frames = {
        part: _rows(imported(path, INTERACTIONS, part.split("_")[0], files, workspace, account))
        for part, path in split_files(files.splits).items()
    }
    items = {
        f"items_{domain}": _rows(
            imported(path, ITEMS, f"items-{domain}", files, workspace, account)
        )
        if path
        else None
        for domain, path in ((SOURCE, files.items_source), (TARGET, files.items_target))
    }
    tables = SplitTables(**frames, **items)
    if files.pair:  # a threshold, the only one of its settings that a given split takes
        tables = _by_threshold(tables, PairSettings.of(dict(files.pair)), account)
    if files.triples is not None:
        facts = _rows(imported(files.triples, TRIPLES, "triples", files, workspace, account))
        target = pd.concat([tables.target_train, tables.target_valid, tables.target_test])
        ids = {SOURCE: tables.source_train[ITEM], TARGET: target[ITEM]}
        known = {domain: items[f"items_{domain}"] for domain in ids}
        added, links, used = with_triples(facts, ids, known)
        account.tell(used.words())
        tables = replace(
            tables,
            items_source=added[SOURCE],
            items_target=added[TARGET],
            entity_links=links if len(links) else None,
        )
    if tables.items_target is not None:
        rows = (tables.target_train, tables.target_valid, tables.target_test, tables.disliked)
        taken = pd.concat([part[ITEM] for part in rows if part is not None])
        new = tables.items_target[~tables.items_target[ITEM].isin(taken)]
        tables = replace(tables, untaken=new)
    # The trust checks of a given split; what its parts share though they may not is left out
    checks = check_given(tables)
    parts = next(check for check in checks if check.key == GIVEN)
    account.given = {name: n for name, n in parts.figures.items() if name != "test_rows"}
    account.left_out += parts_in_words(account.given)
    account.doubt(checks)
    return tables


def _by_threshold(given: SplitTables, settings: PairSettings, account: Account) -> SplitTables:
    """The split without rows below the threshold; those of its target are seen, not liked.

    Each low rating stays in the part that its file says. Raises DataError where nothing else is
    left of a part.
    """
    target = [given.target_train, given.target_valid, given.target_test]
    liked, low = [], []
    for domain, frames in ((SOURCE, [given.source_train]), (TARGET, target)):
        ratings = [frame[RATING] for frame in frames if RATING in frame]
        every = pd.concat(ratings or [pd.Series(dtype="float64")])
        start = liked_of(every.min(), every.max(), settings, domain) if len(every) else None
        for part, frame in enumerate(frames):
            below = frame[RATING] < start.start - 1e-6 if start and RATING in frame else None
            if below is None:
                liked.append(frame)
                continue
            liked.append(frame[~below])
            low += [frame[below].assign(**{PART: part})] if domain == TARGET else []
    names = ("source_train", "target_train", "target_valid", "target_test")
    for name, frame in zip(names, liked, strict=True):
        if frame.empty:
            raise DataError(
                what=f"Every row of {name} is below the threshold.",
                hint="Ask for a lower --rating-threshold, or leave it out.",
            )
    disliked = pd.concat(low, ignore_index=True) if low else None
    if disliked is not None and len(disliked):
        account.leave_out(disliked_in_words(len(disliked)))
    return replace(given, **dict(zip(names, liked, strict=True)), disliked=disliked)


def split_files(folder: Path) -> dict[str, Path]:
    """The file of every part of a split, whatever its ending; raises DataError for one missing."""
    if not folder.is_dir():
        what = f"{folder} is a file." if folder.exists() else f"There is no folder {folder}."
        raise DataError(what=what, hint=f"Give the folder that holds {', '.join(PARTS)}.")
    there = sorted(path for path in folder.iterdir() if path.is_file())
    found = {}
    for part in PARTS:
        called = [path for path in there if clean_name(path.name).lower() == part]
        if len(called) != 1:
            names = ", ".join(path.name for path in called or there[:12]) or "nothing"
            raise DataError(
                what=f"{folder.name or folder} has {len(called) or 'no'} files {part}: it has "
                f"{names}.",
                hint=f"Call the one that is meant {part}.csv, .tsv, .jsonl or .parquet.",
            )
        found[part] = called[0]
    return found


def _rows(done: ImportReport) -> pd.DataFrame:
    return pd.read_parquet(_rows_file(done))


def _rows_file(done: ImportReport) -> Path:
    return done.folder / f"{done.kind}.parquet"


def _content_of_vectors(table: pd.DataFrame) -> list[np.ndarray]:
    """Which items have a vector, and all their numbers; nothing for a table without."""
    if VECTOR not in table:
        return []
    there = table[VECTOR].dropna()
    numbers = [np.asarray(row, dtype=np.float32) for row in there]
    return [table[VECTOR].notna().to_numpy(), np.concatenate([np.zeros(0, np.float32), *numbers])]


def _write_given(
    tables: SplitTables,
    workspace: Workspace,
    kind: str,
    seed: int,
    settings: dict,
    liked_from: float = 0.0,
) -> Path:
    """Rows of a given split are positives already, but for those below a threshold that was asked
    for; the dataset is their union, split or not.

    Ratings stay as they stand in the files, and belong to the dataset where they differ; so do the
    item tables, where there are any.
    """
    parts = [tables.target_train, tables.target_valid, tables.target_test]
    target = pd.concat(parts if tables.disliked is None else [*parts, tables.disliked])
    content = [frame.drop_duplicates([USER, ITEM]) for frame in (tables.source_train, target)]
    ordered = [frame.sort_values([USER, ITEM]) for frame in content]
    columns = [frame[name].to_numpy(dtype=object) for frame in ordered for name in (USER, ITEM)]
    columns += [
        frame[RATING].to_numpy(np.float32)
        for frame in ordered
        if RATING in frame and frame[RATING].nunique() > 1
    ]
    columns += [frame[COUNT].to_numpy(np.float32) for frame in ordered if COUNT in frame]
    for items in (tables.items_source, tables.items_target):
        if items is not None:
            table = items.sort_values(ITEM)
            columns += [np.array([*table.columns], dtype=object)]
            columns += [
                table[column].to_numpy(dtype=object) for column in table if column != VECTOR
            ]
            columns += _content_of_vectors(table)
    if tables.entity_links is not None:
        links = tables.entity_links.sort_values([*tables.entity_links])
        columns += [links[column].to_numpy(dtype=object) for column in links]
    return write_snapshot(
        workspace.splits,
        tables,
        source_name="source",
        target_name="target",
        kind=kind,
        seed=seed,
        settings=settings,
        dataset_hash=fingerprint(*columns),
        liked_from=liked_from,
    )


def lights_of(workspace: Workspace, run: Run) -> list[dict[str, Any]] | None:
    """What stands beside every lift: the checks of a run's data, made now if nobody did before.

    None where the data are not in this workspace, or came as a split of an earlier version.
    """
    from core.runs.jobs.data_jobs import quality_job

    record = run.record
    found = checks_of(workspace, record.dataset_hash, record.split_hash)
    if found is None and (workspace.pairs / record.dataset_hash).exists():
        quality_job(workspace, {"pair": record.dataset_hash}, silent)
        found = checks_of(workspace, record.dataset_hash, record.split_hash)
    return None if found is None else [asdict(check) for check in found]
