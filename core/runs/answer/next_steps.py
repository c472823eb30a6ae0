"""What to try next after an answer, by rules that look at what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.data.checks.check import Check
from core.data.splitting import COLD_USERS
from core.evaluation.segments import BINS
from core.evaluation.verdict import HELPS
from core.runs.answer.groups import Answer
from core.store.run_folder import Run

CHECKS, ANSWER, SERVE = "checks", "answer", "serve"
WEIGHTS, PEOPLE, REPORT = "weights", "people", "report"


@dataclass(frozen=True)
class Next:
    """One thing to do: why, what the button says, and what it does."""

    why: str
    label: str
    act: str  # CHECKS, ANSWER, SERVE, WEIGHTS, PEOPLE or REPORT
    minutes: int = 0  # of ANSWER


def next_steps(
    answer: Answer, runs: Sequence[Run], checks: Sequence[Check], shared: int
) -> list[Next]:
    """What is worth doing, the most pressing first.

    runs, checks: of the pair; shared: people in both domains.
    """
    return [
        *_doubts(checks),
        *_untried(answer, runs, shared),
        *_together(answer, runs),
        *_uses(answer),
    ]


def _doubts(checks: Sequence[Check]) -> list[Next]:
    if not any(check.light == "red" for check in checks):
        return []
    return [Next("A check of this pair failed: mend that first.", "Look at the checks", CHECKS)]


def _untried(answer: Answer, runs: Sequence[Run], shared: int) -> list[Next]:
    from core.runs.answer.make_answer import FEWEST_SHARED, MORE  # loads what trains

    source, target = answer.source, answer.target
    cold = next((group for group in answer.groups if group.name == BINS[0]), None)
    models = {run.record.model for run in runs}
    found = []
    if (cold is None or not cold.known) and shared >= FEWEST_SHARED:
        found.append(
            Next(
                f"Nobody tested here is without {target}. Hide all {target} of a fifth of the "
                f"people who know both, and see what {source} say of them: that is where a source "
                "usually helps most.",
                "Hide them and see",
                ANSWER,
                1,
            )
        )
    untried = [step for step in MORE if step.minutes <= 5 and step.model not in models]
    if untried and (cold is not None or shared < FEWEST_SHARED):
        names = ", ".join(dict.fromkeys(step.label for step in untried if step.split != COLD_USERS))
        found.append(Next(f"Not tried yet: {names}.", "Try them, 5 min", ANSWER, 5))
    return found


def _together(answer: Answer, runs: Sequence[Run]) -> list[Next]:
    """One run of several, where people of different groups do best with different models."""
    models = {group.run.card.title for group in answer.groups if group.known}
    if len(models) < 2 or any(run.record.route is not None for run in runs):
        return []
    why = f"One run that asks {' or '.join(sorted(models))}, by who asks: to serve and to export."
    return [Next(why, "Make it", SERVE)]


def _uses(answer: Answer) -> list[Next]:
    if answer.everybody.answer != HELPS and not any(g.answer == HELPS for g in answer.groups):
        return []
    return [
        Next(
            f"How much should {answer.source} count against {answer.target}?",
            "Move the weights",
            WEIGHTS,
        ),
        Next("See what real people get, and why.", "Look at people", PEOPLE),
        Next("Six slides and a page for who was not here.", "Show it", REPORT),
    ]
