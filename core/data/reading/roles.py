"""What each column probably holds, from its name and its first values."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from core.basics.columns import (
    ATTRIBUTE,
    CATEGORIES,
    COUNT,
    DESCRIPTION,
    DISTANCE,
    EVENT,
    FURTHER,
    HEAD,
    ITEM,
    RANK,
    RATING,
    RELATION,
    SCORE,
    SOURCE,
    TAIL,
    TARGET,
    TIME,
    TITLE,
    USER,
    VECTOR,
)
from core.data.reading.numbers import find_number_form, read_numbers
from core.data.reading.options import IGNORE, INTERACTIONS, ITEMS, LINKS, LISTS, TRIPLES, in_series

SURE = 0.8  # from this confidence on a guess is shown as sure

_USER_WORDS = (
    "user uid userid reviewer customer member visitor client person account reader viewer "
    "用户 会员 观众 读者 用戶 會員 顧客 ユーザー ユーザ 利用者 会員 사용자 고객 회원"
)
_ITEM_WORDS = (
    "item product movie film book song track artist music course article asin isbn sku game "
    "restaurant business recipe video anime manga joke beer hotel venue poi app podcast news photo "
    "pid iid mid bid 商品 物品 电影 图书 书籍 音乐 课程 電影 圖書 アイテム 作品 映画 "
    "상품 아이템 영화"
)
_COUNT_WORDS = (
    "count counts plays playcount playcounts listens listencount scrobbles units quantity qty "
    "times weight clicks views freq frequency hours playtime purchases visits "
    "次数 播放次数 播放量 数量 点击量 点击次数 购买数量 频次 频率"
)
_EVENT_WORDS = (
    "event eventtype eventname action actiontype behavior behaviour behaviortype behaviourtype "
    "interactiontype 事件 行为 事件类型 行为类型 动作"
)
_WHOLE_WORDS = (COUNT, EVENT)  # roles whose words mean something else in "country", "transaction"
_OPTIONAL = (RATING, TIME, TITLE, CATEGORIES, DESCRIPTION)  # taken by the very word, or not at all
_BEHIND = "ms ns us s sec seconds utc gmt unix local iso added value values en list str text name"
_NOT_OF = {  # words beside which the very word means another thing
    RATING: "id ids num n nr number total sum count counts votes",
    TIME: "id ids zone num n watch play listen listening dwell run life session elapsed spent "
    "total since reading view",
}
_VAGUE = "score value weight label preference grade 得分"  # of numbers: ratings, or anything else
_FEWEST_COUNTS = 10  # numbers among which a tail can be told
HIGHEST_STARS = 10  # ratings are rarely higher
LONG_TAIL = 4  # times the median that the highest count reaches at least
_USUAL_COUNT = 1000  # ids are usually larger than half of all counts
_MOST_EVENTS = 12  # different event types among the first rows
_NAMES: dict[str, tuple[tuple[str, str], ...]] = {
    INTERACTIONS: (
        (USER, _USER_WORDS),
        (ITEM, _ITEM_WORDS),
        (
            RATING,
            "rating rate score stars overall grade preference value label "
            "评分 打分 評分 評価 평점 별점",
        ),
        (COUNT, _COUNT_WORDS),  # before times: "times" and "playtime" are none
        (
            TIME,
            "timestamp time date datetime unixreviewtime created at when "
            "时间 日期 時間 日時 日付 날짜 시간",
        ),
        (EVENT, _EVENT_WORDS),
    ),
    ITEMS: (
        (TITLE, "title name label 标题 名称 书名 片名"),
        (CATEGORIES, "categories category genres genre tags tag class type topic 类别 分类 标签"),
        (DESCRIPTION, "description desc text summary overview plot abstract 描述 简介"),
        (ITEM, "id " + _ITEM_WORDS),
    ),
    LISTS: (
        (USER, _USER_WORDS),
        (ITEM, _ITEM_WORDS + " recommendation recommended rec recs"),
        (RANK, "rank ranking position place pos 排名 名次"),
        (DISTANCE, "distance dist cost loss error err dissimilarity 距离 误差 损失"),
        (
            SCORE,
            "score rating prediction predicted pred estimate est similarity sim weight value "
            "probability prob logit logits relevance confidence affinity preference strength "
            "评分 得分",
        ),
    ),
    LINKS: ((SOURCE, "source src from left a 源"), (TARGET, "target tgt to right b 目标")),
    TRIPLES: (
        (HEAD, "head subject from h 头 主语"),
        (RELATION, "relation predicate rel property r 关系 谓语"),
        (TAIL, "tail object to t entity 尾 宾语"),
    ),
}
_ATTRIBUTES = (
    "brand author writer creator director artist actor cast maker manufacturer publisher studio "
    "label instructor teacher series franchise country language "
    "品牌 作者 导演 演员 出版社 国家 语言"
)
_ORDERS = (RANK, SCORE, DISTANCE)  # roles that order a list
_ISO_DAY = re.compile(r"\s*\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class RoleGuess:
    """role: a column constant or "ignore"; confidence: 0 to 1; why: for the page."""

    role: str
    confidence: float
    why: str


def guess_roles(head: pd.DataFrame, kind: str) -> dict[str, RoleGuess]:
    """One guess per column of a head of texts; attributes and columns of a vector may be several.

    Names decide first; what is left over is given by content and order, with less confidence.
    """
    named = named_vectors(head) if kind == ITEMS else []
    vectors = {column: RoleGuess(VECTOR, 0.95, "by its name") for column in named}
    guesses = vectors | _by_name(head[[c for c in head.columns if c not in vectors]], kind)
    if kind == INTERACTIONS:
        guesses = _with_counts(head, guesses)
    left = [column for column in head.columns if column not in guesses]
    taken = {guess.role for guess in guesses.values()}
    fill = {
        INTERACTIONS: _fill_interactions,
        ITEMS: _fill_items,
        LINKS: _fill_links,
        LISTS: _fill_lists,
        TRIPLES: _fill_triples,
    }[kind]
    if kind == ITEMS:
        known = _ATTRIBUTES.split()
        near = {column: _nearness(column, known) for column in left}
        attributes = {
            column: RoleGuess(ATTRIBUTE, sure, "by its name")
            for column, sure in near.items()
            if sure >= SURE
        }
        guesses |= attributes
        left = [column for column in left if column not in guesses]
        if not vectors:
            why = "its values are many numbers"
            guesses |= dict.fromkeys(nameless_vectors(head, left), RoleGuess(VECTOR, 0.6, why))
            left = [column for column in left if column not in guesses]
    if kind == LISTS:
        guesses = _checked_lists(head, guesses)
        left = [column for column in head.columns if column not in guesses]
        taken = {guess.role for guess in guesses.values()}
    guesses |= fill(head, left, taken)
    other = RoleGuess(IGNORE, 0.5, "nothing points to a role")
    return {column: guesses.get(column, other) for column in head.columns}


def _by_name(head: pd.DataFrame, kind: str) -> dict[str, RoleGuess]:
    guesses: dict[str, RoleGuess] = {}
    for role, names in _NAMES[kind]:
        known = names.split()
        ranked = [
            (_said(column, known, role), column)
            for column in head.columns
            if column not in guesses and (role not in _WHOLE_WORDS or _may_be(role, head[column]))
        ]
        near, column = max(ranked, key=lambda pair: pair[0], default=(0.0, ""))
        if near:
            guesses[column] = RoleGuess(role, near, "by its name")
    return guesses


def _may_be(role: str, values: pd.Series) -> bool:
    """Whether a column of interactions named so may hold counts or event types, by its values."""
    words = _words(str(values.name))
    known = (_COUNT_WORDS if role == COUNT else _EVENT_WORDS).split()
    if {"id", "rating", "ratings", "review", "reviews"} & {*words} or not (
        {*words, "".join(words)} & {*known}
    ):
        return False
    if role == EVENT:
        return values.nunique() <= _MOST_EVENTS
    filled = values[values != ""]
    return len(_numbers(values)) > 0.7 * len(filled) and not _looks_like_times(values)


def _with_counts(head: pd.DataFrame, guesses: dict[str, RoleGuess]) -> dict[str, RoleGuess]:
    """The guesses, doubting numbers whose name says less than their values.

    A score with a long tail of whole numbers counts something: it is no rating. A count that is 0
    or less in some rows may be an amount or a return.
    """
    told = dict(guesses)
    counted = {guess.role for guess in guesses.values()}
    for column, guess in guesses.items():
        if (
            guess.role == RATING
            and _nearness(column, _VAGUE.split())
            and _tails(head[column], whole=False)
        ):
            role = IGNORE if COUNT in counted else COUNT
            told[column] = RoleGuess(role, 0.5, "its numbers have a long tail")
        elif guess.role == COUNT and any(number <= 0 for number in _numbers(head[column])):
            told[column] = RoleGuess(COUNT, 0.5, "by its name, but some values are 0 or less")
    return told


def _nearness(column: str, known: Sequence[str]) -> float:
    """.95 for a known word, with or without "id"; .8 for one among several; 0 for none."""
    words = _words(column)
    if not words:
        return 0.0
    core = [word for word in words if word not in ("id", "ids", "no", "key", "code")] or words
    together = "".join(words).removesuffix("id") or "".join(words)
    if together in known or "".join(words) in known or (core == [core[0]] and core[0] in known):
        return 0.95
    if any(word in known for word in core):
        return 0.8
    return 0.7 if any(len(name) > 3 and name in together for name in known) else 0.0


def _said(column: str, known: Sequence[str], role: str) -> float:
    """As `_nearness`; an optional role asks for the very word, last or before what qualifies it.

    So book-rating, ratedAt, category_name and timestamp_ms are found, and playtime, rating_count,
    candidate and publisher_name are none.
    """
    near, words = _nearness(column, known), _words(column)
    if role not in _OPTIONAL or not near or not "".join(words).isascii():
        return near
    *before, last = [word for word in words if not word.isdigit()] or words
    while before and last in _BEHIND.split() and not _is_word(last, known, role):
        *before, last = before
    if {*words} & {*_NOT_OF.get(role, "").split()} or not _is_word(last, known, role):
        return 0.0
    of_items = {*before} <= {*_ITEM_WORDS.split()}
    return near if role != TITLE or last not in ("name", "label") or of_items else 0.0


def _is_word(word: str, known: Sequence[str], role: str) -> bool:
    """Whether it is a known word, one of many ("ratings"), or one of the item's ("booktitle")."""
    owners = ["", *_ITEM_WORDS.split()]
    if role != TITLE:
        owners += [*_USER_WORDS.split(), "review"]
    return any(
        word in (f"{owner}{name}", f"{owner}{name}s")
        for name in known
        for owner in owners
        if len(name) > 1 or not owner
    )


def _words(column: str) -> list[str]:
    """`itemCount:float` → item, count."""
    spelled = re.sub(r"([a-z])([A-Z])", r"\1 \2", column.split(":")[0])
    return [word for word in re.split(r"[\W_]+", spelled.lower()) if word]


def _fill_interactions(head: pd.DataFrame, left: list[str], taken: set[str]) -> dict:
    guesses: dict[str, RoleGuess] = {}
    for role, fits, why in (
        (TIME, _looks_like_times, "its values look like times"),
        (COUNT, _tails, "its whole numbers have a long tail"),
        (RATING, _looks_like_ratings, "few different numbers"),
    ):
        free = [column for column in left[::-1] if column not in guesses]
        if role == RATING:  # category_id has few different numbers too
            free = [column for column in free if _words(column)[-1:] not in (["id"], ["ids"])]
        if role == COUNT:  # beside ratings, or further in front, such numbers may be anything
            free = [] if RATING in taken else free[:1]
        column = next((column for column in free if fits(head[column])), None)
        spare = len(left) - len(guesses) > sum(r not in taken for r in (USER, ITEM))
        if role not in taken and column is not None and spare:
            guesses[column] = RoleGuess(role, 0.6, why)
    free = [column for column in left if column not in guesses]
    for role in (USER, ITEM):
        if role not in taken and free:
            guesses[free.pop(0)] = RoleGuess(role, 0.4, "by its place only")
    return guesses


def _fill_items(head: pd.DataFrame, left: list[str], taken: set[str]) -> dict:
    free = list(left)
    guesses: dict[str, RoleGuess] = {}
    if ITEM not in taken and free:
        guesses[free.pop(0)] = RoleGuess(ITEM, 0.4, "by its place only")
    wordy = [column for column in free if head[column].str.contains(" ").mean() > 0.5]
    if TITLE not in taken and wordy:
        guesses[wordy[0]] = RoleGuess(TITLE, 0.6, "its values are words")
    return guesses


def _fill_lists(head: pd.DataFrame, left: list[str], taken: set[str]) -> dict:
    """User and item by their place; a number behind them is a rank where it counts up."""
    roles = [role for role in (USER, ITEM) if role not in taken]
    places = zip(roles, left, strict=False)
    guesses = {column: RoleGuess(role, 0.4, "by its place only") for role, column in places}
    free = [
        column
        for column in left
        if column not in guesses
        and len(_numbers(head[column]))
        and not _nearness(column, ["timestamp", "time", "date", "datetime", "created"])
    ]
    if free and not taken & set(_ORDERS):
        ranks = _count_from_one(head[free[0]])
        why = "counts from 1" if ranks else "its values are numbers"
        guesses[free[0]] = RoleGuess(RANK if ranks else SCORE, 0.6, why)
    return guesses


def _checked_lists(head: pd.DataFrame, named: dict[str, RoleGuess]) -> dict[str, RoleGuess]:
    """The guesses by name that the values bear out; a series of items beside them is one list.

    A rank is a whole number, and what orders a list is a number; rec_1, rec_2 and so on are the
    places of a list, whatever they are called.
    """
    guesses = dict(named)
    for column, guess in named.items():
        if guess.role not in _ORDERS:
            continue
        numbers = _numbers(head[column])
        if not numbers and len(head):
            del guesses[column]
        elif guess.role == RANK and any(n < 0 or n % 0.5 for n in numbers):  # 1.5: shared by two
            why = "it is called a rank, but its numbers are not whole"
            role = IGNORE if {SCORE, DISTANCE} & {g.role for g in named.values()} else SCORE
            guesses[column] = RoleGuess(role, 0.5, why)
    for group in series_of([c for c in head.columns if _role(guesses, c) != USER]):
        found = {_role(guesses, column) for column in group}
        others = {guess.role for column, guess in guesses.items() if column not in group}
        texts = all(len(_numbers(head[column])) <= len(head) / 2 for column in group)
        if group[0].startswith("column "):  # a file without a header, which names nothing
            if texts and len(head.columns) > 3:
                guesses |= {c: RoleGuess(FURTHER, 0.4, "by its place only") for c in group[2:]}
        elif ITEM in others or not (texts or found & {ITEM, RANK}):
            guesses |= {c: RoleGuess(IGNORE, 0.5, "one of a series") for c in group}
        else:
            plain = _nearness(group[0], [*_ITEM_WORDS.split(), "rec", "top", "rank", "place"])
            is_plain = plain > 0 or bool(found & {ITEM, RANK})
            sure, why = (0.9, "by its name") if is_plain else (0.6, "a series of texts")
            guesses |= {column: RoleGuess(FURTHER, sure, why) for column in group}
            guesses[group[0]] = RoleGuess(ITEM, sure, why)
    return guesses


def _role(guesses: dict[str, RoleGuess], column: str) -> str:
    return guesses[column].role if column in guesses else IGNORE


def _count_from_one(values: pd.Series) -> bool:
    """Whether these can be ranks: whole numbers from 1, or from 0 one after the other."""
    numbers = _numbers(values)
    if any(n < 0 or n != int(n) for n in numbers):
        return False
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    counts = 0 in numbers and all(step == 1 or step < 0 for step in steps)
    return counts or all(1 <= n <= 1_000 for n in numbers)


def _fill_links(head: pd.DataFrame, left: list[str], taken: set[str]) -> dict:
    roles = [role for role in (SOURCE, TARGET) if role not in taken]
    return {
        column: RoleGuess(role, 0.4, "by its place only")
        for role, column in zip(roles, left, strict=False)
    }


def _fill_triples(head: pd.DataFrame, left: list[str], taken: set[str]) -> dict:
    roles = [role for role in (HEAD, RELATION, TAIL) if role not in taken]
    return {
        column: RoleGuess(role, 0.4, "by its place only")
        for role, column in zip(roles, left, strict=False)
    }


def has_decimal_comma(values: pd.Series) -> bool:
    """Whether numbers are written like 3,5: at least one is, and none with a point."""
    commas = values.str.fullmatch(r"\s*-?\d+,\d+\s*").sum()
    return bool(commas) and not values.str.fullmatch(r"\s*-?\d*\.\d+\s*").any()


def _numbers(values: pd.Series) -> list[float]:
    form = find_number_form([values.tolist()])
    numbers = pd.Series(read_numbers(values, form.decimal_comma, form.thousands), dtype="float64")
    return [number for number in numbers if math.isfinite(number)]


def _looks_like_ratings(values: pd.Series) -> bool:
    """Mostly numbers from -10 to 100, with few different values for their count."""
    numbers = [number for number in _numbers(values) if -10 <= number <= 100]
    return len(numbers) > 0.7 * len(values) and len(set(numbers)) <= max(11, len(values) / 4)


def _tails(values: pd.Series, whole: bool = True) -> bool:
    """Numbers above 0, most of them small and some many times as large: they count something.

    Ids and years are large too, so the usual one must be small; a column that is named like a
    rating (whole=False) holds none of these, and what goes beyond 100 there is no scale of stars.
    """
    numbers = _numbers(values)
    if len(numbers) < max(0.7 * len(values), _FEWEST_COUNTS) or _looks_like_times(values):
        return False
    if min(numbers) <= 0 or (whole and any(number != int(number) for number in numbers)):
        return False
    few = float(pd.Series(numbers).median())
    small = few < _USUAL_COUNT or not whole
    return max(numbers) > HIGHEST_STARS and max(numbers) >= LONG_TAIL * few and small


def _looks_like_times(values: pd.Series) -> bool:
    """Mostly seconds or milliseconds since 1985, or dates that start with the year."""
    numbers = _numbers(values)
    seconds = [n for n in numbers if 4.7e8 < n < 5e9 or 4.7e11 < n < 5e12]
    dates = [value for value in values if _ISO_DAY.match(value)]
    return max(len(seconds), len(dates)) > 0.7 * len(values) > 0


# Which columns of an item table hold vectors: arrays in one, or a number in each of many.

_VECTOR_NAMES = (
    "vector vectors vec vecs embedding embeddings embed emb embs feature features feat feats "
    "latent dim 向量 嵌入"
)
_WORDS = frozenset(_VECTOR_NAMES.split())
_NUMBERED = re.compile(r"(.*?)(\d+)")
_BETWEEN = re.compile(r"[\s,;|]+")
_BRACKETS = str.maketrans("[](){}", "      ")
MANY = 8  # numbers from which nameless ones are taken for a vector
MOST_CELLS = 0.5  # share of the filled cells of a head that must look so


def series_of(columns: Sequence[str]) -> list[list[str]]:
    """Columns called alike but for the number they end in, such as emb_0 and emb_1, by it."""
    alike: dict[str, list[str]] = {}
    for column in columns:
        if found := _NUMBERED.fullmatch(column):
            alike.setdefault(found[1], []).append(column)
    return [in_series(group) for group in alike.values() if len(group) > 1]


def named_vectors(head: pd.DataFrame) -> list[str]:
    """Columns that are called after vectors and hold arrays of numbers, or a number each."""
    arrays = [c for c in head.columns if _is_named(c) and holds_arrays(head[c])]
    if arrays:
        return arrays[:1]  # vectors of two kinds are not joined unasked
    named = [group for group in series_of(list(head.columns)) if _is_named(group[0])]
    return next((group for group in named if _holds_numbers(head, group)), [])


def nameless_vectors(head: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Of these columns the one with arrays of many numbers, or a long series of numbers."""
    for column in columns:
        if holds_arrays(head[column], fewest=MANY):
            return [column]
    long = [group for group in series_of(columns) if len(group) >= MANY]
    return next((group for group in long if _holds_numbers(head, group)), [])


def holds_arrays(values: pd.Series, fewest: int = 2) -> bool:
    """Whether most filled cells are several numbers, as [0.1, 0.2] or 0.1 0.2."""
    filled = values[values.str.strip() != ""]
    arrays = sum(_count_numbers(value) >= fewest for value in filled)
    return arrays > MOST_CELLS * len(filled)


def counts_up(cells: Sequence[str]) -> bool:
    """Whether the cells that are whole numbers are 0, 1, 2 and so on, as names of columns are."""
    numbers = [int(cell) for cell in map(str.strip, cells) if cell.isdecimal()]
    return len(numbers) >= MANY and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _is_named(column: str) -> bool:
    spelled = re.sub(r"([a-z])([A-Z])", r"\1 \2", column.split(":")[0])
    words = re.split(r"[\W_\d]+", spelled.lower())
    return any(word in _WORDS for word in words)


def _holds_numbers(head: pd.DataFrame, columns: Sequence[str]) -> bool:
    return all(_are_numbers(head[column]) for column in columns)


def _are_numbers(values: pd.Series) -> bool:
    """Whether most filled cells are one number, a decimal comma allowed."""
    filled = values[values.str.strip() != ""].str.replace(",", ".")
    numbers = pd.to_numeric(filled, errors="coerce")
    return bool(numbers.notna().sum() > MOST_CELLS * len(filled))


def _count_numbers(cell: str) -> int:
    """How many numbers a cell holds, 0 where something else is among them."""
    parts = [part for part in _BETWEEN.split(cell.translate(_BRACKETS)) if part]
    try:
        return len(parts) if all(math.isfinite(float(part)) for part in parts) else 0
    except ValueError:
        return 0
