import subprocess
import sys
from pathlib import Path

import numpy as np

from core.metrics.ranking import per_user_metrics
from core.metrics.ratings import ERRORS
from core.metrics.registry import CATALOGUE, GROUPS, METRICS, PER_USER, metric_card, metric_title


def test_every_metric_that_is_computed_has_a_card_with_help():
    computed = {
        name.split("@")[0] for name in per_user_metrics(np.zeros((1, 5), bool), np.array([1]), [5])
    }
    kept = {name for name, card in METRICS.items() if card.kept}
    assert computed | {"auc", "novelty", "coverage", *ERRORS} == kept
    assert all(card.help and card.formula and card.source for card in METRICS.values())


def test_every_card_is_in_a_group_with_a_name_and_no_title_is_used_twice():
    assert {card.group for card in METRICS.values()} == set(GROUPS)
    assert len({card.title for card in METRICS.values()}) == len(METRICS)


def test_columns_read_like_a_paper():
    assert metric_title("ndcg@10") == "nDCG@10"
    assert metric_title("auc") == "AUC"
    assert metric_card("coverage@5").has_interval is False


def test_the_order_of_metrics_is_the_same_whatever_is_loaded_first():
    """Menus and frames follow it, and a page may load any module of metrics before the others."""
    code = (
        "import core.metrics.ratings, core.metrics.catalogue, core.metrics.mix\n"
        "from core.metrics.registry import CATALOGUE, METRICS, PER_USER\n"
        "print(*METRICS, *PER_USER, *CATALOGUE)"
    )
    root = Path(__file__).resolve().parents[3]
    answer = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert answer.stdout.split() == [*METRICS, *PER_USER, *CATALOGUE], answer.stderr
