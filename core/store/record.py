"""What a run says of itself, and whether what stands in a file is such a record.

A record may come from anywhere: from a run file of a stranger, or from an editor. It is checked
field by field before it becomes a `Record`, so that nobody has to look again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Self

from core.basics.columns import SOURCE, TARGET, TEST, USERS, VALID
from core.basics.formatting import count
from core.data.pair import BINS
from core.metrics.registry import METRICS
from core.models.made.recorded import DEEPEST, UploadedSettings

Figures = dict[str, dict[str, Any]]  # {mean, low, high, users, ...} by metric, as "ndcg@10"
Lifts = dict[str, dict[str, Any]]  # {mean, low, high, users, helped, harmed} by metric


@dataclass(frozen=True)
class Record:
    """What is known of one trained model: of a run itself, of its twin or of its baseline.

    Kept as run.json. What only some models have is None elsewhere: `members` of what is made of
    runs, `blend` of a blend, `route` of a routed run, `compression` of a compressed run, `upload`
    of uploaded lists, lifts of a run itself.
    """

    role: str  # "run", "twin", "popularity" or "bias"
    model: str
    label: str
    settings: dict[str, Any]
    seed: int
    split_hash: str
    dataset_hash: str
    source_name: str
    target_name: str
    created: float  # seconds since 1970
    fit: dict[str, Any]  # wall_seconds, cpu_seconds, peak_rss_mib
    curve: list[dict[str, Any]]  # epoch, loss and valid of every epoch
    cancelled: bool
    valid: Figures
    test: Figures
    counts: dict[str, dict[str, int]]  # by part: users, skipped, by_popularity
    crosswalk: str = "?"
    device: str = "auto"
    best_epoch: int | None = None
    cut_short: bool | None = None  # its fit ended at its last epoch, still getting better
    evaluate: dict[str, Any] | None = None  # cost of evaluating, as fit
    making: dict[str, Any] | None = None  # cost of making it from runs, these apart
    findings: list[Any] = field(default_factory=list)
    lift: Lifts | None = None  # over the twin
    lift_over_popularity: Lifts | None = None
    lift_over_bias: Lifts | None = None
    segments: list[dict[str, Any]] = field(default_factory=list)
    against: list[Any] | None = None
    members: list[Any] | None = None
    blend: dict[str, Any] | None = None
    route: dict[str, Any] | None = None  # metric, and by group whom it asks, why, and what it tried
    compression: dict[str, Any] | None = None
    upload: dict[str, Any] | None = None

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """The record of checked values (see `wrong_fields`); others beside them are left out."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what this model does not have is left out."""
        mine = _OF_RUNS if self.role == "run" else ()
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: value for name, value in values.items() if value not in (None, []) or name in mine
        } | {"curve": self.curve}

    def figures(self, part: str) -> Figures:
        """What was measured on a held-out part, "valid" or "test"."""
        return {VALID: self.valid, TEST: self.test}[part]

    def name_of(self, domain: str) -> str:
        """What a domain, "source" or "target", is called."""
        return {SOURCE: self.source_name, TARGET: self.target_name}[domain]

    @property
    def choosers(self) -> int:
        """Validation users with something to find."""
        return self.counts.get(VALID, {}).get("users", 0)

    @property
    def warnings(self) -> list[str]:
        """What to know of how its epoch was chosen: by too few people."""
        if len(self.curve) < 2 or self.best_epoch is None:  # solved at once: nothing was chosen
            return []
        few = few_to_choose_by(self.choosers, f"epoch {self.best_epoch} of {len(self.curve)}")
        return [few] if few else []

    @property
    def ending(self) -> str:
        """Why the fit by epochs ended: AT_CAP, BY_PATIENCE or CANCELLED; "" where it had none."""
        if len(self.curve) < 2:
            return ""
        if self.cancelled:
            return CANCELLED
        last, patience = self.curve[-1]["epoch"], self.settings.get("patience")
        if patience and not self.cut_short and last - (self.best_epoch or 0) >= patience:
            return BY_PATIENCE  # maybe beyond `epochs`: a fit that got better went on
        capped = self.cut_short or last >= self.settings.get("epochs", math.inf)
        return AT_CAP if capped else BY_PATIENCE

    @property
    def untrained(self) -> dict[str, Any]:
        """What it takes to build the model: its name, its settings and what it is made of."""
        built = {"model": self.model, "settings": self.settings}
        return built if self.members is None else built | {"members": self.members}


# How an epoch was chosen on validation. With 100 people the standard error of a mean nDCG@10 is
# about .03 (users differ by .3): epochs of a curve lie closer together than that.
FEWEST_TO_CHOOSE = 100
AT_CAP, BY_PATIENCE, CANCELLED = "at its cap", "by patience", "cancelled"


def few_to_choose_by(users: int, what: str, verb: str = "chose") -> str:
    """A warning where few people of validation chose `what`; "" where they are enough.

    verb: "will choose" before a fit.
    """
    if users >= FEWEST_TO_CHOOSE:
        return ""
    return (
        f"{count(users, 'validation user')} {verb} {what}: with fewer than {FEWEST_TO_CHOOSE} that "
        "is chance as much as quality. Hold out more rows for validation, or bring more people."
    )


_OF_RUNS = ("findings", "lift", "lift_over_popularity", "lift_over_bias", "segments")
Wrong = Iterator[str]  # paths of fields that are not what they should be, as "test.ndcg@10.mean"
Test = Callable[[Any, str], Wrong]
LONGEST = 1000  # characters of a text
_LATEST = 32_503_680_000  # seconds since 1970: the year 3000, which calendars still know
_LARGEST = 2**53  # numbers that JSON, NumPy and browsers agree on
_ORDERS = next(info.choices for info in UploadedSettings.infos() if info.name == "order") or ()


def wrong_fields(record: Any) -> list[str]:
    """Paths of everything in a record that a page could not read, "" for the record itself."""
    found = list(_table(_FIELDS, _OPTIONAL)(record, ""))
    if not found and record["cancelled"] and "best_epoch" not in record:
        return ["best_epoch"]  # which epoch was kept is said beside a cancelled run
    return found


def is_text(value: Any, longest: int = LONGEST) -> bool:
    """Whether it is a text that can be shown and written: short, and no halves of letters.

    What cannot be seen in it is no fault: pages show texts escaped, and labels come from anybody.
    """
    if not isinstance(value, str) or len(value) > longest:
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _if(holds: Callable[[Any], bool]) -> Test:
    def test(value: Any, path: str) -> Wrong:
        if not holds(value):
            yield path

    return test


def _table(needed: dict[str, Test], more: dict[str, Test] | None = None) -> Test:
    """A dictionary with these keys; others may stand beside them and are read by nobody."""

    def test(value: Any, path: str) -> Wrong:
        if not isinstance(value, dict):
            yield path
            return
        for name, inner in needed.items():
            yield from inner(value.get(name), _inside(path, name))
        for name, inner in (more or {}).items():
            if name in value:
                yield from inner(value[name], _inside(path, name))

    return test


def _named(key: Callable[[str], bool], inner: Test) -> Test:
    """A dictionary whose keys are of a kind and whose values are alike."""

    def test(value: Any, path: str) -> Wrong:
        if not isinstance(value, dict):
            yield path
            return
        for name, one in value.items():
            shown = _inside(path, str(name)[:60])
            if key(name):
                yield from inner(one, shown)
            else:
                yield shown

    return test


def _many(inner: Test) -> Test:
    def test(value: Any, path: str) -> Wrong:
        if not isinstance(value, list):
            yield path
            return
        for place, one in enumerate(value):
            yield from inner(one, f"{path}[{place}]")

    return test


def _or_none(inner: Test) -> Test:
    def test(value: Any, path: str) -> Wrong:
        if value is not None:
            yield from inner(value, path)

    return test


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def is_number(value: Any) -> bool:
    """Whether it is a finite number that everybody can read; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= _LARGEST and math.isfinite(value)


def is_count(value: Any) -> bool:
    """Whether it is a whole number from 0 on."""
    return is_number(value) and isinstance(value, int) and value >= 0


def is_metric(name: Any) -> bool:
    """Whether it names a metric, or one at a length of list, such as "ndcg@10"."""
    if not isinstance(name, str):
        return False
    metric, at, k = name.partition("@")
    return metric in METRICS and (not at or (k.isascii() and k.isdigit() and 0 < int(k) <= 1000))


def is_hash(value: Any) -> bool:
    """Whether it is a fingerprint, which may be a part of a path."""
    return isinstance(value, str) and len(value) == 16 and not set(value) - set("0123456789abcdef")


def is_folder_name(value: Any) -> bool:
    """Whether it is a text that names a folder and leads to no other."""
    plain = is_text(value, 100) and value.isprintable()
    return plain and value not in ("", ".", "..") and not set(value) & set("/\\")


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, bool) or is_text(value) or is_number(value)


_text, _number, _count = _if(is_text), _if(is_number), _if(is_count)
_maybe, _flag = _or_none(_number), _if(lambda value: isinstance(value, bool))
_amount = _or_none(_if(lambda value: is_number(value) and value >= 0))  # seconds, bytes, shares
_INTERVAL = {"mean": _maybe, "low": _maybe, "high": _maybe, USERS: _count}
_lift = _table(_INTERVAL, {"helped": _count, "harmed": _count})
_lifts = _or_none(_named(is_metric, _lift))
_figures = _named(is_metric, _table(_INTERVAL, {"skipped": _count}))
_COST = dict.fromkeys(("wall_seconds", "cpu_seconds", "peak_rss_mib"), _amount)
_cost, _some_cost = _table(_COST), _table({}, _COST)
_setting = _if(lambda v: _is_scalar(v) or (isinstance(v, list) and all(map(_is_scalar, v))))
_settings = _named(lambda name: is_text(name, 100), _setting)
_model = _if(lambda value: is_text(value, 100))


def _member(value: Any, path: str) -> Wrong:
    """One of the models of a blend or a routed run, which may be made of models itself."""
    if path.count("members") > DEEPEST:
        yield path
        return
    told = {"run": _text, "label": _text, "fit": _some_cost, "members": _many(_member)}
    yield from _table({"model": _model, "settings": _settings}, told)(value, path)


_finding = _table({"title": _text, "value": _number, "help": _text})
_against = _table({"name": _text, "run": _text, VALID: _lift, TEST: _lift})
_blend = _table(
    {},
    {
        "chosen": _text,
        "parameters": _count,
        "coefficients": _many(_many(_number)),
        "tried": _many(_table({"weight": _number, "valid": _maybe})),
    },
)
BY_VALIDATION, BY_NEAREST, BY_ALL, BY_HAND = ROUTED_BY = ("validation", "nearest", "all", "hand")
_tried = _table({"run": _text, "label": _text, **_INTERVAL})
_group = _table(
    {
        "segment": _if(lambda value: value in BINS),
        "run": _text,
        "by": _if(lambda value: value in ROUTED_BY),
        "tried": _many(_tried),
    },
    {"like": _if(lambda value: value in BINS)},
)


def _groups(value: Any, path: str) -> Wrong:
    """Every group of people once, in order, each asking one of the runs that were tried for it."""
    wrong = list(_many(_group)(value, path))
    yield from wrong
    if wrong:
        return
    if [one["segment"] for one in value] != list(BINS):
        yield path
    for place, one in enumerate(value):
        if one["run"] not in [tried["run"] for tried in one["tried"]]:
            yield f"{path}[{place}].run"
        if (one["by"] == BY_NEAREST) != ("like" in one):
            yield f"{path}[{place}].like"


_route = _table({"metric": _if(is_metric), "groups": _groups})
_BOTH = {"before": _amount, "after": _amount}
_figures_of_both = _table({"before": _maybe, "after": _maybe, "difference": _or_none(_lift)})
_compression = _table(
    {"kind": _text, "words": _text, "of": _table({"run": _text, "label": _text})},
    {
        "bytes": _table(_BOTH),
        "metric": _if(is_metric),
        "quality": _table({VALID: _figures_of_both, TEST: _figures_of_both}),
        "score_cpu_seconds": _table({**_BOTH, USERS: _count}),
        "agreement@10": _amount,
        "encoder": _table(
            {},
            {
                **dict.fromkeys(("bytes", "texts_per_cpu_second"), _table(_BOTH)),
                "cosine": _maybe,
                "unseen": _amount,
            },
        ),
    },
)
_part_of_upload = _table(
    {
        "rows": _table(dict.fromkeys(("used", "masked", "beyond", "not_evaluated"), _count)),
        "users": _table(
            dict.fromkeys(("without_list", "short@10"), _count),
            dict.fromkeys(("short@5", "short@20", "short@50"), _count),
        ),
    }
)
_upload = _table(
    {
        "order": _if(lambda value: value in _ORDERS),
        **dict.fromkeys(
            (
                "rows",
                "rejected",
                "duplicates",
                "unknown_users",
                "unknown_items",
                "unknown_user_rows",
                "unknown_item_rows",
            ),
            _count,
        ),
        VALID: _part_of_upload,
        TEST: _part_of_upload,
        "validation_items": _flag,
    },
    {
        "new_items": _flag,
        **dict.fromkeys(("file_rows", "unquoted_rows", "rising", "ordered"), _count),
        **dict.fromkeys(("tied_rows", "tied_users"), _count),
    },
)
_counts_of_part = _table({USERS: _count}, {"skipped": _count, "by_popularity": _count})

_FIELDS: dict[str, Test] = {
    "created": _if(lambda value: is_number(value) and 0 <= value <= _LATEST),
    "role": _if(lambda value: value in ("run", "twin", "popularity", "bias")),
    "model": _model,
    "label": _if(lambda value: is_text(value) and bool(value.strip())),
    "settings": _settings,
    "seed": _if(is_count),
    "split_hash": _if(is_hash),
    "dataset_hash": _if(is_folder_name),
    "source_name": _text,
    "target_name": _text,
    "fit": _cost,
    "curve": _many(_table({"epoch": _count, "loss": _maybe, "valid": _maybe})),
    "cancelled": _flag,
    VALID: _figures,
    TEST: _figures,
    "counts": _table({VALID: _counts_of_part, TEST: _counts_of_part}),
}
_OPTIONAL: dict[str, Test] = {
    "crosswalk": _if(lambda value: is_text(value, 40)),
    "device": _if(lambda value: is_text(value, 40)),
    "evaluate": _or_none(_some_cost),
    "making": _or_none(_some_cost),
    "best_epoch": _count,
    "cut_short": _or_none(_flag),
    "findings": _many(_finding),
    "against": _many(_against),
    "members": _many(_member),
    "blend": _blend,
    "route": _route,
    "compression": _compression,
    "upload": _upload,
    "lift": _lifts,
    "lift_over_popularity": _lifts,
    "lift_over_bias": _lifts,
    "segments": _many(
        _table(
            {"by": _text, "segment": _text, "metric": _if(is_metric), **_INTERVAL},
            {
                "skipped": _count,
                **dict.fromkeys(
                    ("lift", "lift_over_popularity", "lift_over_bias"), _or_none(_lift)
                ),
            },
        )
    ),
}
