from core.store.run_folder import Run
from core.ui.state import run_names
from tests.records import record


def run_of(folder, id, label, **said):
    return Run(folder / id, record(label=label, **said))


def test_a_label_that_is_alone_stays_as_it_is(tmp_path):
    runs = [run_of(tmp_path, "a", "EASE"), run_of(tmp_path, "b", "EDLAE")]
    assert run_names(runs) == {"a": "EASE", "b": "EDLAE"}


def test_equal_labels_are_told_apart_by_what_differs(tmp_path):
    pairs = [run_of(tmp_path, "a", "EASE"), run_of(tmp_path, "b", "EASE", source_name="music")]
    assert run_names(pairs) == {"a": "EASE · books → films", "b": "EASE · music → films"}
    splits = [run_of(tmp_path, "a", "EASE"), run_of(tmp_path, "b", "EASE", split_hash="1" * 16)]
    assert run_names(splits) == {"a": "EASE · split 00000000", "b": "EASE · split 11111111"}
    times = [run_of(tmp_path, "a", "EASE"), run_of(tmp_path, "b", "EASE", created=86_400.0)]
    assert len(set(run_names(times).values())) == 2


def test_names_always_differ_even_where_nothing_else_does(tmp_path):
    runs = [run_of(tmp_path, name, "EASE") for name in ("a", "b", "c")]
    assert set(run_names(runs).values()) == {"EASE · a", "EASE · b", "EASE · c"}
