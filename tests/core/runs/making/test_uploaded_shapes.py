"""Lists of another system in the shapes that files have: read alike, asked about, or refused."""

import json

import pandas as pd
import pytest

from core.__main__ import main
from core.basics.columns import DISTANCE, ITEM, RANK, SCORE, TEST, USER
from core.basics.errors import DataError, RunError
from core.cli.flags import LISTS_FILE, FileChoices
from core.cli.reading import read_choices, refuse_doubts
from core.data.reading.options import LISTS
from core.data.reading.preview import preview_file
from core.evaluation.given_lists import given_words
from core.runs.making.uploaded import UploadPlan, upload_lists
from core.store.run_folder import read_run
from tests.core.runs.derived_worlds import bench

K = 10


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return bench(tmp_path_factory.mktemp("shapes") / "workspace", {"ease": {}})


@pytest.fixture(scope="module")
def lists(world):
    """The first ten of EASE's lists: USER, ITEM, RANK, users one after the other."""
    kept, train = world.runs["ease"].lists(TEST), world.split.train
    items = [train.target_items.names(row[:K]) for row in kept.items]
    users = train.users.names(kept.users)
    rows = [(u, i, r) for u, own in zip(users, items, strict=True) for r, i in enumerate(own, 1)]
    return pd.DataFrame(rows, columns=[USER, ITEM, RANK])


@pytest.fixture
def measured(world, tmp_path):
    """Measure a text as a file, on the page's own choices or as the command line does."""

    def work(content, page=False, columns=None, separator=None):
        path = tmp_path / "lists"
        if isinstance(content, str):
            path.write_text(content)
        else:
            content.to_parquet(path)
        options = preview_file(path, LISTS).options
        if not page:
            style = {} if separator is None else {"separator": separator}
            reading = read_choices(path, LISTS, FileChoices(columns or {}, style), LISTS_FILE)
            refuse_doubts(reading, LISTS_FILE)
            options = reading.options
        plan = UploadPlan(world.split.info.split_hash, "lists")
        return read_run(upload_lists(path, options, plan, world.workspace))

    return work


def said_of(run):
    return given_words(run.record.upload, run.record.counts[TEST]["users"])


def csv(frame, **style):
    return frame.to_csv(index=False, **style)


def shuffled(frame):
    return frame.sample(frac=1, random_state=3)


def rows_of(lists, write, head=""):
    """One line per user; write: what becomes of the user's id and items."""
    return head + "".join(write(user, list(own[ITEM])) + "\n" for user, own in lists.groupby(USER))


def ordered_by(lists, name, values):
    return csv(shuffled(lists.assign(**{name: values}).drop(columns=RANK)))


READ = {
    "ranks in any order": lambda ls: csv(shuffled(ls)),
    "ranks from 0": lambda ls: csv(ls.assign(rank=ls[RANK] - 1)),
    "ranks with a point": lambda ls: csv(shuffled(ls.assign(rank=ls[RANK] * 1.0))),
    "shared ranks": lambda ls: csv(ls.assign(rank=ls[RANK].map(lambda r: 1.5 if r < 3 else r))),
    "no order but the rows'": lambda ls: csv(ls.drop(columns=RANK)),
    "times beside the rows": lambda ls: csv(ls.drop(columns=RANK).assign(timestamp=1_700_000_000)),
    "a score": lambda ls: ordered_by(ls, "score", 1 - ls[RANK] / 20),
    "logits below 0": lambda ls: ordered_by(ls, "logit", -1.5 * ls[RANK]),
    "powers of ten": lambda ls: ordered_by(ls, "score", [f"{10.0**-r:.1e}" for r in ls[RANK]]),
    "a distance": lambda ls: ordered_by(ls, "distance", ls[RANK] / 7),
    "a loss": lambda ls: ordered_by(ls, "loss", ls[RANK] / 7),
    "a cost": lambda ls: ordered_by(ls, "cost", ls[RANK]),
    "a score beside a distance": lambda ls: csv(
        shuffled(ls.assign(distance=ls[RANK] / 9, score=1 - ls[RANK] / 20)).drop(columns=RANK)
    ),
    "a rank beside scores nobody can read": lambda ls: csv(shuffled(ls.assign(score="n/a"))),
    "decimal commas": lambda ls: csv(
        shuffled(ls.assign(score=(1 - ls[RANK] / 20).map(str).str.replace(".", ",")))[
            [USER, ITEM, "score"]
        ],
        sep=";",
    ),
    "a RecBole prediction": lambda ls: (
        "user_id:token\titem_id:token\tscore:float\n"
        + "".join(f"{u}\t{i}\t{1 - r / 20}\n" for u, i, r in ls.itertuples(index=False))
    ),
    "a TREC run": lambda ls: "".join(
        f"{u} Q0 {i} {r} {1 / r:.2f} ours\n" for u, i, r in ls.itertuples(index=False)
    ),
    "Chinese headings": lambda ls: csv(ls.set_axis(["用户", "商品", "排名"], axis=1)),
    "blanks between items": lambda ls: rows_of(
        ls, lambda u, own: f"{u},{' '.join(own)}", "user_id,item_ids\n"
    ),
    "commas between items": lambda ls: rows_of(
        ls, lambda u, own: f"{u};{', '.join(own)}", "user;items\n"
    ),
    "a JSON list": lambda ls: rows_of(
        ls, lambda u, own: u + ',"' + json.dumps(own).replace('"', '""') + '"', "user,recs\n"
    ),
    "a Python list": lambda ls: rows_of(ls, lambda u, own: f'{u},"{own}"', "user,recs\n"),
    "a NumPy array": lambda ls: rows_of(
        ls, lambda u, own: f'{u},"[{" ".join(map(repr, own))}]"', "user,recs\n"
    ),
    "JSON lines with lists": lambda ls: rows_of(
        ls, lambda u, own: json.dumps({"user": u, "items": own})
    ),
    "Parquet with lists": lambda ls: (
        ls.groupby(USER)[ITEM].apply(list).reset_index().rename(columns={ITEM: "items"})
    ),
    "a column for each place": lambda ls: rows_of(
        ls,
        lambda u, own: ",".join([u, *own]),
        ",".join(["user", *(f"rec_{n}" for n in range(1, K + 1))]) + "\n",
    ),
    "a column for each rank": lambda ls: rows_of(
        ls,
        lambda u, own: "\t".join([u, *own]),
        "\t".join(["user", *(f"rank_{n}" for n in range(1, K + 1))]) + "\n",
    ),
    "scores beside each place": lambda ls: rows_of(
        ls,
        lambda u, own: ",".join([u, *(f"{i},{1 - n / 20}" for n, i in enumerate(own))]),
        "user," + ",".join(f"item_{n},score_{n}" for n in range(1, K + 1)) + "\n",
    ),
}


@pytest.mark.parametrize("page", [False, True], ids=["command line", "page"])
@pytest.mark.parametrize("shape", READ)
def test_the_same_lists_in_any_shape_have_the_same_figures(world, lists, measured, shape, page):
    run = measured(READ[shape](lists), page=page)
    ours, theirs = run.metrics(TEST), world.runs["ease"].metrics(TEST)
    pd.testing.assert_series_equal(ours["ndcg@10"], theirs["ndcg@10"])
    assert run.record.upload["rows"] == len(lists)


ASKED = {
    "a number without a name": (
        lambda ls: csv(ls.rename(columns={RANK: "x"})),
        "may be the (rank|score)",
    ),
    "a rank that is none": (
        lambda ls: ordered_by(ls, "rank_score", 1 - ls[RANK] / 20),
        "may be the (rank|score)",
    ),
    "blanks in one item": (
        lambda ls: rows_of(ls, lambda u, own: f"{u},{' '.join(own)}", "user,item\n"),
        "seem to hold several items",
    ),
    "a file without names": (
        lambda ls: rows_of(ls, lambda u, own: ",".join([u, *own])),
        "no column that is plainly",
    ),
}


@pytest.mark.parametrize("shape", ASKED)
def test_the_command_line_believes_no_guess_and_the_page_shows_it(world, lists, measured, shape):
    write, words = ASKED[shape]
    with pytest.raises(DataError, match=words):
        measured(write(lists))
    run = measured(write(lists), page=True)
    assert run.record.test["ndcg@10"]["mean"] == world.runs["ease"].record.test["ndcg@10"]["mean"]


def test_what_was_told_is_believed(world, lists, measured):
    expected = world.runs["ease"].record.test["ndcg@10"]["mean"]
    far = shuffled(lists.rename(columns={RANK: "x"})).assign(score=0.5)  # which is not asked
    run = measured(csv(far), columns={DISTANCE: "x"})
    assert run.record.upload["order"] == "distance"
    assert run.record.test["ndcg@10"]["mean"] == expected
    assert measured(csv(far), columns={SCORE: "x"}).record.test["ndcg@10"]["mean"] < expected
    cells = rows_of(lists, lambda u, own: f"{u},{' '.join(own)}", "user,item\n")
    assert measured(cells, separator=" ").record.test["ndcg@10"]["mean"] == expected
    with pytest.raises(RunError, match="A cell of the item column holds several items"):
        measured(cells, separator="")


def test_lists_of_pairs_exchanged_columns_and_other_ids_are_refused_by_name(lists, measured):
    pairs = rows_of(lists, lambda u, own: f'{u},"{[(item, 0.5) for item in own]}"', "user,recs\n")
    with pytest.raises(DataError, match="list of lists or of pairs"):
        measured(pairs)
    with pytest.raises(RunError, match="user column holds items"):
        measured(csv(lists.rename(columns={USER: ITEM, ITEM: USER})))
    with pytest.raises(RunError, match="not one item is known"):
        measured(csv(lists.assign(**{ITEM: "~" + lists[ITEM]})))


def test_scores_that_are_no_numbers_leave_their_rows_out_and_are_counted(lists, measured):
    scores = (1 - lists[RANK] / 20).map(str).where(lists[RANK] != 2, "nan")
    run = measured(ordered_by(lists, "score", scores))
    assert run.record.upload["rejected"] == lists[USER].nunique()
    assert "could not be read" in " ".join(said_of(run))


def test_scores_that_rise_are_doubted_before_and_after(lists, measured, tmp_path):
    text = csv(lists.rename(columns={RANK: "score"}))
    (tmp_path / "rising").write_text(text)
    doubts = preview_file(tmp_path / "rising", LISTS).warnings
    assert any("mark the column as distance" in doubt for doubt in doubts)
    said = " ".join(said_of(measured(text)))
    assert "In 90 of 90 lists the scores rise" in said


def test_an_id_is_read_as_it_is_written_in_a_list():
    from core.data.reading.cells import BRACKETS, one_row_per_item

    cells = ["[007, 1.0, 'a, b']", '["x|y", 12]', "[]", "['it''s']"]
    frame = one_row_per_item(pd.DataFrame({USER: list("abcd"), ITEM: cells}), BRACKETS)
    assert frame[frame[USER] == "a"][ITEM].tolist() == ["007", "1.0", "a, b"]
    assert frame[frame[USER] == "b"][ITEM].tolist() == ["x|y", "12"]
    assert "c" not in set(frame[USER])


def test_the_command_line_has_words_for_what_orders_a_list(world, lists, tmp_path, capsys):
    path = tmp_path / "far.csv"
    path.write_text(csv(shuffled(lists.rename(columns={RANK: "x"}))))
    asked = ["upload", str(path), "--split", world.split.info.split_hash]
    asked += ["--workspace", str(world.workspace.root), "--json"]
    assert main(asked) == 2
    assert "--rank x or --score x or --distance x or --rank none" in capsys.readouterr().err
    assert main([*asked, "--distance", "x"]) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["upload"]["order"] == "distance"
