import pandas as pd

from core.basics.columns import COUNT, DECILE, DOMAIN, ITEM, SHARE, SOURCE, TARGET, USER
from core.data.profile import overlap
from tests.core.data.small_files import random_rows


def test_overlap_counts_users_and_the_rows_they_carry(connection, write):
    source = pd.DataFrame({USER: list("aaabcd"), ITEM: list("uvwuuu")})
    target = pd.DataFrame({USER: list("aacxy"), ITEM: list("mnmmm")})
    found = overlap(connection, write("s", source), write("t", target))
    assert (found.source_users, found.target_users, found.shared) == (4, 4, 2)
    assert (found.source_rows_shared, found.target_rows_shared) == (4, 3)
    assert found.share_of(SOURCE) == found.share_of(TARGET) == 2 / 4
    assert (found.carried(SOURCE), found.carried(TARGET)) == (4 / 6, 3 / 5)


def test_nobody_shared_is_zero_and_no_error(connection, write):
    source = pd.DataFrame({USER: ["a"], ITEM: ["u"]})
    found = overlap(connection, write("s", source), write("t", source.assign(**{USER: "b"})))
    assert (found.shared, found.carried(SOURCE), found.share_of(TARGET)) == (0, 0.0, 0.0)


def test_deciles_go_from_the_least_to_the_most_active_and_hold_everybody(connection, write):
    """The more active half of the source is shared, the other half is not."""
    rows = [(f"u{n:02}", f"i{item}") for n in range(1, 41) for item in range(n)]
    source = pd.DataFrame(rows, columns=[USER, ITEM])
    target = source[source[USER] > "u20"]
    found = overlap(connection, write("s", source), write("t", target)).deciles
    domain = found[found[DOMAIN] == SOURCE]
    assert domain[DECILE].tolist() == list(range(1, 11))
    assert domain[COUNT].tolist() == [4] * 10
    assert domain[SHARE].tolist() == [0.0] * 5 + [1.0] * 5
    assert domain["fewest"].tolist() == list(range(1, 41, 4))


def test_the_sum_over_deciles_is_the_whole(connection, inputs):
    found = overlap(connection, inputs.source, inputs.target)
    for domain, users in ((SOURCE, found.source_users), (TARGET, found.target_users)):
        part = found.deciles[found.deciles[DOMAIN] == domain]
        assert part[COUNT].sum() == users
        assert round((part[COUNT] * part[SHARE]).sum()) == found.shared
    assert found.source_rows == len(random_rows(1, "b"))
