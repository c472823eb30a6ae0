"""What a damaged file says is refused, member by member, before anything believes it."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pytest

from core.basics.errors import DataError
from core.basics.files import as_record, read_record


@dataclass(frozen=True)
class Inner:
    n: int


@dataclass(frozen=True)
class Kept:
    name: str
    light: Literal["green", "red"]
    share: float
    n: int
    sure: bool
    inner: Inner
    counts: dict[str, list[int]]
    maybe: float | None
    anything: dict[str, Any] = field(default_factory=dict)


WHOLE = Kept("a", "red", 0.5, 3, True, Inner(1), {"x": [1, 2]}, None)
WRONG = {
    "name": [1, None],
    "light": ["blue", 1],
    "share": ["0.5", True, None],
    "n": [1.5, "3", True],
    "sure": [1, "yes"],
    "inner": [{}, {"n": "1"}, 3, {"n": 1, "m": 2}],
    "counts": [[], {"x": 1}, {"x": ["1"]}],
    "maybe": ["none"],
    "anything": [[], 3],
}


def test_what_is_whole_comes_back_and_defaults_may_be_missing():
    values = json.loads(json.dumps(asdict(WHOLE)))
    assert as_record(Kept, values) == WHOLE
    del values["anything"]
    assert as_record(Kept, values | {"share": 1}) == as_record(Kept, values | {"share": 1.0})


@pytest.mark.parametrize("name", list(WRONG))
def test_every_wrong_or_missing_member_is_refused_by_name(name):
    values = asdict(WHOLE)
    for value in WRONG[name]:
        with pytest.raises(
            DataError, match=r"cannot be read: \w+ is (wrong|missing)|nobody knows|no object"
        ):
            as_record(Kept, values | {name: value})
    if name != "anything":
        del values[name]
        with pytest.raises(DataError, match=f"{name} is missing"):
            as_record(Kept, values)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '{"name": "a"}', "\0"])
def test_a_damaged_side_file_is_as_if_it_were_not_there(tmp_path, text):
    file = tmp_path / "kept.json"
    assert read_record(file, Kept) is None
    file.write_text(text)
    assert read_record(file, Kept) is None
    file.write_text(json.dumps(asdict(WHOLE)))
    assert read_record(file, Kept) == WHOLE
