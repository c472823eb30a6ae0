"""Build a pair from two imported files: filter, match users, leave out, count, keep."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import duckdb
import pandas as pd

from core.basics.columns import (
    CATEGORIES,
    COUNT,
    DESCRIPTION,
    ITEM,
    RATING,
    SOURCE,
    TARGET,
    TIME,
    TITLE,
    USER,
    VECTOR,
    attribute_columns,
)
from core.basics.errors import DataError
from core.basics.files import fingerprint, fingerprint_file, whole_folder, write_json
from core.basics.formatting import count
from core.data.checks.cross_listed import SOURCE_ITEM, find_cross_listed
from core.data.checks.item_match import other_item_column
from core.data.checks.same_people import find_double_users, spare_ids, why_nothing_is_shared
from core.data.database import columns, name, number, text
from core.data.filters import (
    DOMAINS,
    IN_FILE,
    LIKED,
    RATED,
    Left,
    Steps,
    count_left,
    filter_rows,
    keep_core,
    liked_from,
    read_disliked,
)
from core.data.pair import ENTITY_LINKS, MOST_UNTAKEN, UNTAKEN
from core.data.pair_folder import (
    DISLIKED,
    RECORD,
    DomainCounts,
    PairCounts,
    PairInfo,
    PairInputs,
    PairSettings,
    as_domain_pair,
    everything,
    items_file,
    read_pair_info,
    rows_file,
    steps_that_tell,
)
from core.data.reading.options import RECORD as DATASET_RECORD
from core.data.reading.options import relation
from core.data.splitting import training_rows
from core.data.triples import with_triples

VERSION = 1  # of the way a pair is built; another one gives other hashes
FEW_SHARED = 50  # below this many shared users a person is warned
MOSTLY = 0.5  # where fewer of the rated rows are liked, a person is asked to look
KNOWN_SHARE = 0.5  # an item table that knows a smaller share of the items is doubted
SINGLE, NOT_CROSS_LISTED, OF_SHARED = (
    "without double users",
    "without cross-listed items",
    "of shared users",
)
WITHOUT_SHARED = "Only models that need no shared users can learn from the source."


def build_pair(
    connection: duckdb.DuckDBPyConnection,
    inputs: PairInputs,
    settings: PairSettings,
    root: Path,
    refuse_explained: bool = False,
) -> Path:
    """Write the pair as a folder under `root`, named by its dataset hash, and return the folder.

    Works on the app's cursor and on an in-memory database alike. Raises DataError where one user,
    one item or nothing is left. A pair that shares no user is made and warned of, because models
    that read texts or patterns need none; refuse_explained: where exchanged columns or another
    spelling plainly explain it, it is refused with that, for nobody is there to look.
    """
    dataset_hash = pair_hash(inputs, settings)
    folder = root / dataset_hash
    with suppress(DataError):
        if read_pair_info(folder).disliked >= 0:
            return folder
    # A damaged one would keep its place, and an older one knows nothing of low ratings
    shutil.rmtree(folder, ignore_errors=True)
    before = count_inputs(connection, inputs, settings)
    why = [] if before.shared else [_nobody_shared(connection, inputs, settings, refuse_explained)]
    left = filter_rows(connection, inputs, settings)
    steps = left.rows
    after = _counts(connection, name(SOURCE), name(TARGET))
    _check_usable(after)
    if settings.drop_double_users:
        drop_double_users(connection, settings)
        _take_down(connection, left, SINGLE)
    if settings.drop_cross_listed:
        drop_cross_listed(connection, settings)
        _take_down(connection, left, NOT_CROSS_LISTED)
    if settings.drop_double_users or settings.drop_cross_listed:
        after = _counts(connection, name(SOURCE), name(TARGET))
        _check_usable(after)
    for domain, rows in _rows_of_shared(connection).items():
        left.after(OF_SHARED, domain, rows, after.shared)
    disliked = read_disliked(connection, inputs, settings)
    untaken = _untaken_query(connection, inputs, settings)
    names = (inputs.source_name, inputs.target_name)
    added, said = _read_triples(connection, inputs, settings)
    known = _items_known(connection, inputs, settings)
    names = names[::-1] if settings.swap else names
    warnings = [*why, *_warnings(connection, inputs, settings, before, after, steps)]
    info = PairInfo(
        dataset_hash,
        *names,
        settings.to_dict(),
        _hashes(inputs),
        before,
        after,
        [*warnings, *_little_known(known, names, inputs, settings), *said],
        steps,
        known,
        left.people,
        disliked,
        number(connection, f"SELECT count(*) FROM ({untaken})") if untaken else 0,
    )
    _write_pair(connection, folder, info, inputs, settings, added, untaken)
    return folder


def _write_pair(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    info: PairInfo,
    inputs: PairInputs,
    settings: PairSettings,
    added: dict[str, pd.DataFrame],
    untaken: str,
) -> None:
    """Write the tables that stand in the database; added: what triples made, by file."""
    with whole_folder(folder) as part:
        for table in (*DOMAINS, *([DISLIKED] if info.disliked else [])):
            _write_rows(connection, table, rows_file(part, table))
        for domain, known_items in _item_tables(inputs, settings).items():
            if known_items is not None:
                query = _items_query(connection, domain, known_items)
                file = text(str(items_file(part, domain)))
                connection.execute(f"COPY ({query}) TO {file} (FORMAT parquet, COMPRESSION zstd)")
        if info.untaken:
            kept = f"{untaken} ORDER BY {ITEM} LIMIT {MOST_UNTAKEN}"
            file = text(str(part / f"{UNTAKEN}.parquet"))
            connection.execute(f"COPY ({kept}) TO {file} (FORMAT parquet, COMPRESSION zstd)")
        for table, frame in added.items():
            frame.to_parquet(rows_file(part, table), index=False)
        write_json(part / RECORD, asdict(info))


def pair_hash(inputs: PairInputs, settings: PairSettings) -> str:
    """Hash of the content of every file and of the settings."""
    names = [inputs.source_name, inputs.target_name]
    kept = [] if inputs.triples is None else [ENTITY_LINKS]  # older versions dropped them
    return fingerprint("pair", VERSION, _hashes(inputs), names, settings.key(), *kept)


def filter_counts(
    connection: duckdb.DuckDBPyConnection, inputs: PairInputs, settings: PairSettings
) -> PairCounts:
    """What the filters leave, without writing anything; the rows stay in temporary tables.

    Cross-listed items and double users are not looked for here: that takes longer than a filter.
    """
    filter_rows(connection, inputs, settings)
    return _counts(connection, name(SOURCE), name(TARGET))


def count_inputs(
    connection: duckdb.DuckDBPyConnection, inputs: PairInputs, settings: PairSettings
) -> PairCounts:
    """Sizes of the files as imported, in the roles that the settings give them."""
    return filter_counts(connection, inputs, everything(settings.to_dict()))


def _counts(connection: duckdb.DuckDBPyConnection, source: str, target: str) -> PairCounts:
    sizes = []
    for rows in (source, target):
        counted = [f"count(DISTINCT {USER})", f"count(DISTINCT {ITEM})", "count(*)"]
        sizes.append([number(connection, f"SELECT {what} FROM {rows}") for what in counted])
    shared = number(
        connection,
        f"SELECT count(*) FROM (SELECT {USER} FROM {source} INTERSECT SELECT {USER} FROM {target})",
    )
    return PairCounts(DomainCounts(*sizes[0]), DomainCounts(*sizes[1]), shared)


def _take_down(connection: duckdb.DuckDBPyConnection, left: Left, step: str) -> None:
    """Rows and people of both domains as they are now."""
    for domain in DOMAINS:
        left.after(step, domain, *count_left(connection, domain))


def _rows_of_shared(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of either domain by users who are in both."""
    return {
        domain: number(
            connection,
            f"SELECT count(*) FROM {name(domain)} WHERE {USER} IN "
            f"(SELECT {USER} FROM {name(other)})",
        )
        for domain, other in zip(DOMAINS, DOMAINS[::-1], strict=True)
    }


def _nobody_shared(
    connection: duckdb.DuckDBPyConnection, inputs: PairInputs, settings: PairSettings, refuse: bool
) -> str:
    """The warning of a pair whose files share no user, the reason first where there is one."""
    what = f"No user of {inputs.source_name} is in {inputs.target_name}."
    plainly, hint = why_nothing_is_shared(connection, inputs, settings)
    if plainly and refuse:
        raise DataError(what=what, hint=hint)
    return f"{what} {hint} {WITHOUT_SHARED}"


def _check_usable(after: PairCounts) -> None:
    if not after.source.rows or not after.target.rows:
        emptied = TARGET if after.source.rows else SOURCE
        raise DataError(
            what=f"The filters leave no rows in the {emptied}.",
            hint="Lower the k-core, the rating threshold or the activity bounds.",
        )
    for what, left in (("user", after.target.users), ("item", after.target.items)):
        if left < 2:
            raise DataError(
                what=f"Only one {what} is left in the target: there is nothing to rank or learn.",
                hint="Loosen the filters, or import a file with more interactions.",
            )


def _warnings(
    connection: duckdb.DuckDBPyConnection,
    inputs: PairInputs,
    settings: PairSettings,
    before: PairCounts,
    after: PairCounts,
    steps: Steps,
) -> list[str]:
    said = []
    others = dict(zip(DOMAINS, DOMAINS[::-1], strict=True))
    files = (
        (SOURCE, inputs.source, inputs.source_name),
        (TARGET, inputs.target, inputs.target_name),
    )
    for file_role, file, called in files:
        rows = relation(connection, file)
        if RATING in columns(connection, rows) and not number(
            connection, f"SELECT max({RATING}) > min({RATING}) FROM {rows}"
        ):
            said.append(f"Every rating in {called} is equal, so every row counts as liked.")
        role = others[file_role] if settings.swap else file_role
        start = liked_from(connection, rows, settings, file_role)
        rated, liked = steps[RATED][role], steps[LIKED][role]
        if start and liked < MOSTLY * rated:
            said.append(
                f"Only {liked:,} of {count(rated, 'row')} of {called} are {start.words()}. Lower "
                "the rating threshold, or see whether that column holds ratings at all."
            )
    for domain in DOMAINS:
        if unrated := steps[IN_FILE][domain] - steps[RATED][domain]:
            rows_have = "row of the {0} has" if unrated == 1 else "rows of the {0} have"
            said.append(
                f"{unrated:,} {rows_have.format(domain)} no rating, so nobody can tell whether "
                "they are liked: they are left out."
            )
    if before.shared and not after.shared:
        said.append(
            f"The filters leave none of the {before.shared:,} shared users: lower the k-core or "
            f"the rating threshold. {WITHOUT_SHARED}"
        )
    elif after.shared and after.shared < FEW_SHARED:
        users = count(after.shared, "user is", "users are")
        said.append(f"Only {users} shared: differences will be hard to see.")
    return said


def _items_known(
    connection: duckdb.DuckDBPyConnection, inputs: PairInputs, settings: PairSettings
) -> dict[str, list[int]]:
    """Domain -> how many of its items its item table knows, and how many it has."""
    return {
        domain: [
            number(
                connection,
                f"SELECT count(DISTINCT {ITEM}) FROM {name(domain)} WHERE {ITEM} IN "
                f"(SELECT {ITEM} FROM {relation(connection, table)})",
            ),
            number(connection, f"SELECT count(DISTINCT {ITEM}) FROM {name(domain)}"),
        ]
        for domain, table in _item_tables(inputs, settings).items()
        if table is not None
    }


def known_in_words(known: list[int], called: str) -> str:
    """`3 of 160 items of books are in the item table.`"""
    there, of = known
    return f"{there:,} of {count(of, 'item')} of {called} are in the item table."


def pair_in_words(info: PairInfo) -> list[str]:
    """What is told of a pair where no page shows it: rows by step, item tables, and warnings."""
    called = {SOURCE: info.source_name, TARGET: info.target_name}
    steps = [
        f"{called[domain]}: {', '.join(_left_in_words(info.steps, domain))}."
        for domain in (DOMAINS if info.steps else ())
    ]
    known = [known_in_words(counts, called[domain]) for domain, counts in info.items_known.items()]
    told = " ".join(info.warnings)
    low = [disliked_in_words(info.disliked)] if info.disliked > 0 else []
    return [*steps, *low, *(said for said in known if said not in told), *info.warnings]


def disliked_in_words(disliked: int) -> str:
    """`3 rows below the threshold are kept as seen, not liked: …`"""
    rows = count(
        disliked, "target row below the threshold is", "target rows below the threshold are"
    )
    return f"{rows} kept as seen, not liked: nobody is recommended what they rated low."


def _left_in_words(steps: Steps, domain: str) -> list[str]:
    """`9,600 rows in the file`, `2,883 liked`, …: the steps that left fewer rows of the domain."""
    alone = {step: {domain: left[domain]} for step, left in steps.items()}
    first, *others = steps_that_tell(alone).items()
    step, left = first
    return [
        f"{count(left[domain], 'row')} {step}",
        *(f"{n[domain]:,} {step}" for step, n in others),
    ]


def _little_known(
    known: dict[str, list[int]], names: tuple[str, str], inputs: PairInputs, settings: PairSettings
) -> list[str]:
    called = dict(zip(DOMAINS, names, strict=True))
    files = (inputs.target, inputs.source) if settings.swap else (inputs.source, inputs.target)
    rated, tables = dict(zip(DOMAINS, files, strict=True)), _item_tables(inputs, settings)
    return [
        f"{known_in_words(counts, called[domain])} "
        f"{other_item_column(rated[domain], tables[domain] or rated[domain])}"
        for domain, counts in known.items()
        if counts[0] < KNOWN_SHARE * counts[1]
    ]


def _hashes(inputs: PairInputs) -> dict[str, str]:
    files = {
        SOURCE: inputs.source,
        TARGET: inputs.target,
        "items_source": inputs.items_source,
        "items_target": inputs.items_target,
        "links": inputs.links,
        "triples": inputs.triples,
    }
    return {role: _content_hash(file) for role, file in files.items() if file is not None}


def _content_hash(file: Path) -> str:
    """A dataset's folder is named by its content; any other file is read."""
    known = (file.parent / DATASET_RECORD).exists()
    return file.parent.name if known else fingerprint_file(file)


def _write_rows(connection: duckdb.DuckDBPyConnection, table: str, file: Path) -> None:
    has = columns(connection, name(table))
    known = (USER, ITEM, RATING, TIME, COUNT)
    kept = ", ".join(name(column) for column in known if column in has)
    query = f"SELECT {kept} FROM {name(table)} ORDER BY {USER}, {ITEM}"
    connection.execute(f"COPY ({query}) TO {text(str(file))} (FORMAT parquet, COMPRESSION zstd)")


def _item_tables(inputs: PairInputs, settings: PairSettings) -> dict[str, Path | None]:
    """Item tables by the domain they describe."""
    items = (inputs.items_source, inputs.items_target)
    return dict(zip(DOMAINS, items[::-1] if settings.swap else items, strict=True))


def _items_query(connection: duckdb.DuckDBPyConnection, domain: str, table: Path) -> str:
    """What is known about the items that are left in the domain."""
    has = columns(connection, relation(connection, table))
    known = (ITEM, TITLE, CATEGORIES, DESCRIPTION, *attribute_columns(has), VECTOR)
    kept = ", ".join(name(column) for column in known if column in has)
    return (
        f"SELECT {kept} FROM {relation(connection, table)} WHERE {ITEM} IN "
        f"(SELECT {ITEM} FROM {name(domain)}) ORDER BY {ITEM}"
    )


def _untaken_query(
    connection: duckdb.DuckDBPyConnection, inputs: PairInputs, settings: PairSettings
) -> str:
    """What is known about items of the target's item table that no row of its file has; "" for
    none.

    Items that a filter left out are no new ones: somebody took them.
    """
    table = _item_tables(inputs, settings)[TARGET]
    if table is None:
        return ""
    file = (inputs.source, SOURCE) if settings.swap else (inputs.target, TARGET)
    taken = USER if settings.exchanged_columns in (file[1], "both") else ITEM
    known = _items_query(connection, TARGET, table).split(" WHERE ")[0]
    return (
        f"{known} WHERE {ITEM} NOT IN "
        f"(SELECT {taken} FROM {relation(connection, file[0])} WHERE {taken} IS NOT NULL)"
    )


def _read_triples(
    connection: duckdb.DuckDBPyConnection, inputs: PairInputs, settings: PairSettings
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Item tables with what triples add to them and triples between entities, by file; counts."""
    if inputs.triples is None:
        return {}, []
    triples = connection.execute(f"SELECT * FROM {relation(connection, inputs.triples)}").df()
    ids = {
        domain: connection.execute(f"SELECT DISTINCT {ITEM} FROM {name(domain)}").df()[ITEM]
        for domain in DOMAINS
    }
    tables = {
        domain: table and connection.execute(_items_query(connection, domain, table)).df()
        for domain, table in _item_tables(inputs, settings).items()
    }
    added, links, used = with_triples(triples, ids, tables)
    frames = {items_file(Path(), domain).stem: table for domain, table in added.items()}
    return frames | ({ENTITY_LINKS: links} if len(links) else {}), [used.words()]


# What is left out of a pair after its filters: cross-listed items and double users.


def drop_cross_listed(connection: duckdb.DuckDBPyConnection, settings: PairSettings) -> None:
    """Delete source items the target lists too, found on training rows only."""
    source, target = (_rows(connection, domain) for domain in DOMAINS)
    found = find_cross_listed(as_domain_pair(source, training_rows(source, target)))
    _delete(connection, SOURCE, ITEM, found.pairs[SOURCE_ITEM].unique().tolist())
    keep_core(connection, SOURCE, settings.source_core)


def drop_double_users(connection: duckdb.DuckDBPyConnection, settings: PairSettings) -> None:
    """Delete every id but the first of those with nearly the same history, from both domains."""
    pairs = []
    for domain in DOMAINS:
        rows = _rows(connection, domain)
        pair = as_domain_pair(rows, rows.head(0))
        pairs.append(find_double_users(pair.source, pair.users).pairs)
    spare = spare_ids(pd.concat(pairs, ignore_index=True))
    for domain in DOMAINS:
        _delete(connection, domain, USER, spare)
    for domain in DOMAINS:
        keep_core(connection, domain, getattr(settings, f"{domain}_core"))


def _rows(connection: duckdb.DuckDBPyConnection, domain: str) -> pd.DataFrame:
    return connection.execute(f"SELECT {USER}, {ITEM} FROM {name(domain)}").df()


def _delete(
    connection: duckdb.DuckDBPyConnection, domain: str, column: str, values: list[str]
) -> None:
    connection.register("dropped", pd.DataFrame({column: values}, dtype="str"))
    connection.execute(
        f"DELETE FROM {name(domain)} WHERE {column} IN (SELECT {column} FROM dropped)"
    ).fetchall()  # an answer that waits keeps the table from being registered again
    connection.unregister("dropped")
