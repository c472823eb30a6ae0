"""Fifty invented titles of books and films, each in English and in Chinese, and a split of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.basics.columns import CATEGORIES, ITEM, TITLE, USER, VECTOR
from core.basics.workspace import Workspace
from core.data.snapshot import SplitTables, write_snapshot

TITLES = (
    ("The Lighthouse Keeper's Daughter", "灯塔看守人的女儿"),
    ("A Winter in the Mountains", "山中的冬天"),
    ("The Last Train to the Border", "开往边境的最后一班火车"),
    ("Letters from My Grandmother", "祖母的来信"),
    ("The Secret of the Old Library", "旧图书馆的秘密"),
    ("Murder at the Opera House", "歌剧院谋杀案"),
    ("A Brief History of Tea", "茶的简史"),
    ("The Dragon and the Little Girl", "龙与小女孩"),
    ("War Without Winners", "没有胜利者的战争"),
    ("How to Cook Noodles at Home", "如何在家做面条"),
    ("The Robot Who Learned to Dream", "学会做梦的机器人"),
    ("Love in a Small Town", "小镇爱情"),
    ("The King's Two Brothers", "国王的两个兄弟"),
    ("Journey to the Bottom of the Sea", "海底之旅"),
    ("The Doctor Who Never Slept", "从不睡觉的医生"),
    ("Summer Rain", "夏雨"),
    ("A Dog Named Friday", "一只名叫星期五的狗"),
    ("The Economics of Happiness", "幸福经济学"),
    ("Night Shift at the Hospital", "医院夜班"),
    ("The Girl with the Red Umbrella", "打红伞的女孩"),
    ("Ghosts of the Abandoned School", "废弃学校的幽灵"),
    ("The Football Coach", "足球教练"),
    ("Three Sisters and a Wedding", "三姐妹与一场婚礼"),
    ("The Art of Saying No", "说不的艺术"),
    ("Escape from the Desert Prison", "逃离沙漠监狱"),
    ("The Fisherman and the Moon", "渔夫与月亮"),
    ("My Father the Spy", "我的间谍父亲"),
    ("Mathematics for Children", "儿童数学"),
    ("The City Under the Snow", "雪下之城"),
    ("The Bank Robbers", "银行劫匪"),
    ("A Garden of Roses", "玫瑰花园"),
    ("The Emperor's Painter", "皇帝的画师"),
    ("Alone on Mars", "独自在火星"),
    ("The Piano Teacher's Lesson", "钢琴老师的一课"),
    ("Cooking with Grandma's Spices", "用奶奶的香料做菜"),
    ("The Long Road Home", "漫长的回家路"),
    ("Birds of the Northern Lakes", "北方湖泊的鸟类"),
    ("The Lawyer and the Thief", "律师与小偷"),
    ("Dancing in the Kitchen", "在厨房跳舞"),
    ("The Island of Forgotten Children", "被遗忘的孩子之岛"),
    ("Stories Told by the Fire", "火边讲的故事"),
    ("The Bridge Builders", "造桥者"),
    ("An Introduction to Astronomy", "天文学导论"),
    ("The Bride Wore Black Shoes", "新娘穿黑鞋"),
    ("The Happy Baker", "快乐的面包师"),
    ("Revenge of the Pirates", "海盗的复仇"),
    ("The Clockmaker's Apprentice", "钟表匠的学徒"),
    ("When the River Sleeps", "当河流沉睡时"),
    ("Two Tickets to Shanghai", "两张去上海的票"),
    ("The Silent Witness", "沉默的证人"),
)
ENGLISH, CHINESE = ([pair[side] for pair in TITLES] for side in (0, 1))
USERS = 60


def bilingual_split(
    workspace: Workspace,
    widths: tuple[int, int] = (0, 0),
    titled: bool = True,
    untaken: pd.DataFrame | None = None,
) -> str:
    """Hash of a split of English books and their Chinese films; even users like even items.

    widths: of vectors by domain, 0 for none; a film's are those of its book, as far as they go.
    untaken: films that are in nobody's history.
    """
    rng = np.random.default_rng(0)
    parts: dict[str, list[tuple[str, str]]] = {
        name: [] for name in ("source_train", "target_train", "target_valid", "target_test")
    }
    for user in range(USERS):
        liked = rng.permutation(np.arange(user % 2, len(TITLES), 2))
        parts["source_train"] += [(f"u{user}", f"b{item}") for item in liked[:8]]
        films = rng.permutation(np.arange(user % 2, len(TITLES), 2))
        for name, few in (("train", films[:6]), ("valid", films[6:8]), ("test", films[8:10])):
            parts[f"target_{name}"] += [(f"u{user}", f"f{item}") for item in few]
    frames = {name: pd.DataFrame(rows, columns=[USER, ITEM]) for name, rows in parts.items()}
    source, target = _items("b", ENGLISH, widths[0]), _items("f", CHINESE, widths[1])
    if not titled:
        source, target = source.drop(columns=TITLE), target.drop(columns=TITLE)
    tables = SplitTables(**frames, items_source=source, items_target=target, untaken=untaken)
    folder = write_snapshot(
        workspace.splits,
        tables,
        source_name="books",
        target_name="films",
        kind="random",
        seed=0,
        settings={},
        dataset_hash=f"{widths} {titled}" if any(widths) else "b" * 16,
    )
    return folder.name


def _items(letter: str, titles: list[str], width: int) -> pd.DataFrame:
    ids = [f"{letter}{item}" for item in range(len(titles))]
    table = pd.DataFrame({ITEM: ids, TITLE: titles, CATEGORIES: "Story"})
    if width:
        rng = np.random.default_rng(7)
        table[VECTOR] = list(rng.normal(size=(len(titles), 12)).astype(np.float32)[:, :width])
    return table
