import csv
import io
import tempfile
from pathlib import Path

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.basics.columns import ITEM, RATING, USER
from core.basics.errors import DataError
from core.data.reading.ingest import import_file
from core.data.reading.options import ReadOptions

ROLES = {"u": USER, "i": ITEM, "r": RATING}
letters = st.characters(
    codec="utf-8", exclude_characters="\r\0\ufeff", exclude_categories=("Cc", "Cs")
)
ids = st.text(letters | st.sampled_from(',;\t|"\n ::'), min_size=1, max_size=12)
UNSEEN = "\u200b\u200c\u200d\u200e\u200f\u2060\u00ad"  # at either end they are no part of an id
ids = ids.filter(lambda text: text.strip() and text == text.strip().strip(UNSEEN))
rows = st.lists(st.tuples(ids, ids, st.integers(-4, 10)), min_size=1, max_size=12)
styles = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|^"),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
        "lineterminator": st.sampled_from(["\n", "\r\n"]),
    }
)
slow = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def imported(content: str, delimiter: str):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f"
        path.write_bytes(content.encode())
        options = ReadOptions(roles=ROLES, delimiter=delimiter)
        done = import_file(path, options, Path(folder) / "datasets")
        return done, pd.read_parquet(done.folder / "interactions.parquet")


@slow
@given(rows=rows, style=styles)
def test_rows_written_in_any_style_come_back_as_they_were(rows, style):
    out = io.StringIO(newline="")
    writer = csv.writer(out, **style)
    writer.writerows([("u", "i", "r"), *rows])
    done, kept = imported(out.getvalue(), style["delimiter"])
    last = {(user, item): float(rating) for user, item, rating in rows}
    expected = {
        (user, item): rating
        for at, (user, item, rating) in enumerate(rows)
        if (user, item) not in {row[:2] for row in rows[at + 1 :]}
    }
    found = kept.set_index([USER, ITEM])[RATING].to_dict()
    assert list(found) == list(expected)
    assert found == last
    assert (done.rows, done.merged) == (len(rows), len(rows) - len(last))


@slow
@given(lines=st.lists(st.text(st.sampled_from('ab1, "\n\r'), max_size=8), max_size=14))
def test_no_text_however_broken_loses_a_line_in_silence(lines):
    """Every line without a quote is kept, rejected, merged or blank, or the file is refused."""
    content = "\n".join(["a,b,1", *lines]).replace("\r\n", "\n")
    quoted = '"' in content
    try:
        done, _ = imported("\n".join(["u,i,r", "a,b,1", *lines]), ",")
    except DataError:
        if not quoted:
            raise
        return
    assert done.rows == done.kept + done.rejected + done.merged
    assert quoted or done.rows == sum(line != "" for line in content.split("\n"))
