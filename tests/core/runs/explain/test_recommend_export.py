import numpy as np
import pandas as pd
import pytest

from core.basics.columns import ITEM, TEST, TITLE, USER
from core.basics.errors import RunError, SettingsError
from core.basics.progress import Cancelled, silent
from core.basics.workspace import Workspace
from core.data.reading.options import LISTS
from core.data.reading.preview import preview_file
from core.data.snapshot import SplitTables, write_snapshot
from core.runs.explain import recommend
from core.runs.explain.recommend import ExportPlan, export_job
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.runs.making.uploaded import UploadPlan, upload_lists
from core.store.run_folder import read_run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A workspace with one run of EASE: 30 users, one of whom has no history at all in training."""
    workspace = Workspace(tmp_path_factory.mktemp("export") / "workspace")
    rng = np.random.default_rng(0)
    rows = {"source_train": [], "target_train": [], "target_valid": [], "target_test": []}
    for user in range(29):
        liked = rng.permutation(np.arange(user % 2, 20, 2))
        rows["source_train"] += [(f"u{user:02d}", f"b{item}") for item in liked[:5]]
        rows["target_train"] += [(f"u{user:02d}", f"=f{item}") for item in liked[:4]]
        rows["target_valid"] += [(f"u{user:02d}", f"=f{item}") for item in liked[4:5]]
        rows["target_test"] += [(f"u{user:02d}", f"=f{item}") for item in liked[5:7]]
    rows["target_test"].append(("u99", "=f0"))
    frames = {name: pd.DataFrame(part, columns=[USER, ITEM]) for name, part in rows.items()}
    items = pd.DataFrame({ITEM: [f"=f{item}" for item in range(20)], TITLE: '@sum, "quoted"'})
    folder = write_snapshot(
        workspace.splits,
        SplitTables(**frames, items_source=None, items_target=items),
        source_name="books",
        target_name="films",
        kind="random",
        seed=0,
        settings={},
        dataset_hash="0" * 16,
    )
    return workspace, train_run(RunPlan(folder.name, "ease"), workspace).name


def read(workspace, said) -> pd.DataFrame:
    path = workspace.root / "exports" / said["file"]
    table = pd.read_csv(path, dtype={USER: str})
    path.unlink()
    return table


def test_every_user_has_a_list_and_no_training_or_validation_item_is_in_one(trained):
    workspace, run = trained
    table = read(workspace, export_job(workspace, {"run": run, "k": 5}, silent))
    assert set(table[USER]) == {f"u{user:02d}" for user in range(29)} | {"u99"}
    assert (table.groupby(USER).size() == 5).all()
    assert list(table["rank"][:5]) == [1, 2, 3, 4, 5]
    assert not table.duplicated([USER, ITEM]).any()
    assert table.groupby(USER)["score"].apply(lambda s: s.is_monotonic_decreasing).all()


def test_ids_stay_as_they_are_and_are_quoted_only_for_a_spreadsheet(trained):
    workspace, run = trained
    table = read(workspace, export_job(workspace, {"run": run, "k": 3}, silent))
    assert table[ITEM].str.startswith("=f").all()
    safe = read(workspace, export_job(workspace, {"run": run, "k": 3, "spreadsheet": True}, silent))
    assert safe[ITEM].str.startswith("'=f").all()
    for file in (table, safe):
        assert (file[TITLE] == '\'@sum, "quoted"').all()


ODD = (
    "-12",
    "=a",
    "+b",
    "@c",
    "'007",
    "007",
    "'=a",
    "a,b",
    'say "hi"',
    "two\nlines",
    "\u4e00\u4e8c",
    "1e5",
    "1.0",
    "NULL",
    "nan",
    "x|y",
    "[1, 2]",
    "a b",
    "=HYPERLINK(1)",
    "\u00e9\u200bx",
)


@pytest.mark.parametrize("made_for_a_spreadsheet", [False, True])
def test_exported_lists_that_are_uploaded_again_have_the_same_figures(
    tmp_path, made_for_a_spreadsheet
):
    """Ids that begin with - = + @ were marked, and .2525 came back for .4052."""
    names = [name for name in ODD if not made_for_a_spreadsheet or name != "'=a"]  # '=a is =a there
    workspace, run = odd_world(tmp_path, names)
    plan = {"run": run.id, "k": 10, "spreadsheet": made_for_a_spreadsheet}
    file = workspace.exports / export_job(workspace, plan, silent)["file"]
    upload = UploadPlan(run.record.split_hash, "again.csv")
    again = read_run(upload_lists(file, preview_file(file, LISTS).options, upload, workspace))
    assert run.record.test["ndcg@10"]["mean"] > 0
    ours, theirs = again.metrics(TEST)["ndcg@10"], run.metrics(TEST)["ndcg@10"]
    pd.testing.assert_series_equal(ours, theirs)
    told = again.record.upload
    assert (told["rejected"], told["unknown_users"], told["unknown_items"]) == (0, 0, 0)
    assert bool(told["unquoted_rows"]) == made_for_a_spreadsheet


def odd_world(tmp_path, names):
    """A run of EASE on users and items that are all called oddly."""
    workspace = Workspace(tmp_path / "odd")
    rng = np.random.default_rng(1)
    rows = {"source_train": [], "target_train": [], "target_valid": [], "target_test": []}
    for user, name in enumerate(names):
        own = [names[item] for item in rng.permutation(np.arange(user % 2, len(names), 2))]
        rows["source_train"] += [(name, item) for item in own[:5]]
        for part, items in (("train", own[:4]), ("valid", own[4:5]), ("test", own[5:8])):
            rows[f"target_{part}"] += [(name, item) for item in items]
    frames = {name: pd.DataFrame(part, columns=[USER, ITEM]) for name, part in rows.items()}
    folder = write_snapshot(
        workspace.splits,
        SplitTables(**frames, items_source=None, items_target=None),
        source_name="books",
        target_name="films",
        kind="random",
        seed=0,
        settings={},
        dataset_hash="1" * 16,
    )
    return workspace, read_run(train_run(RunPlan(folder.name, "ease"), workspace))


def test_pieces_give_the_same_file_as_one_go(trained, monkeypatch):
    workspace, run = trained
    whole = read(workspace, export_job(workspace, {"run": run}, silent))
    monkeypatch.setattr(recommend, "CELLS", 70)  # three users at a time
    seen = []
    pieces = read(workspace, export_job(workspace, {"run": run}, seen.append))
    pd.testing.assert_frame_equal(whole, pieces)
    assert [step.done for step in seen] == [*range(3, 30, 3), 30]


def test_other_weights_make_another_file(trained):
    workspace, run = trained
    plans = [ExportPlan(run), ExportPlan(run, alpha=0.0), ExportPlan(run, kind="product")]
    assert len({plan.file(workspace) for plan in plans}) == 3
    tables = [
        read(workspace, export_job(workspace, {"run": run, "alpha": alpha}, silent))
        for alpha in (1.0, 0.0)
    ]
    assert not tables[0]["score"].equals(tables[1]["score"])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"run": "gone"}, RunError),
        ({"run": "../x"}, RunError),
        ({"k": 0}, RunError),
        ({"k": 10**9}, RunError),
        ({"alpha": 2.0}, SettingsError),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_no_file(trained, change, error):
    workspace, run = trained
    with pytest.raises(error):
        export_job(workspace, {"run": run} | change, silent)
    assert not list(workspace.root.glob("exports/*"))


def test_a_cancelled_export_leaves_no_file(trained):
    workspace, run = trained

    def stop(progress):
        raise Cancelled

    with pytest.raises(Cancelled):
        export_job(workspace, {"run": run}, stop)
    assert not list(workspace.root.glob("exports/*"))
