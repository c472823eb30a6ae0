"""Optuna's part of a search: what to try next, and which setting mattered. Imported by jobs only.

Where the trials suffice for every combination of the grid, all of them are queued in order. Else a
tree-structured Parzen estimator (Bergstra et al. 2011) draws between the lowest and the highest
value of each setting, the model's own settings first.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.basics.settings import Value
from core.models.registry import card_of
from core.runs.search_plan import Grid, SearchPlan, is_geometric, is_number
from core.runs.search_rule import DONE, Trial

if TYPE_CHECKING:
    import optuna

JOURNAL = "optuna.log"
FEWEST_RANDOM = 4  # trials drawn at random before the estimator learns from them


class Sampler:
    """One Optuna study per role, in a journal beside the search's record."""

    def __init__(self, plan: SearchPlan, folder: Path) -> None:
        import optuna
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        folder.mkdir(parents=True, exist_ok=True)
        self.plan = plan
        self._distributions = {role: _distributions(plan.grid_of(role)) for role in plan.roles}
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
        first = max(FEWEST_RANDOM, plan.trials // 3)
        self._studies: dict[str, optuna.Study] = {
            role: optuna.create_study(
                storage=storage,
                study_name=role,
                load_if_exists=True,
                direction="minimize" if plan.rates else "maximize",
                sampler=optuna.samplers.TPESampler(seed=plan.seed, n_startup_trials=first),
            )
            for role in plan.roles
        }
        for role in plan.roles:
            self._queue_first(role)

    def ask(self, role: str) -> Trial:
        """The next trial of a role."""
        asked = self._studies[role].ask(self._distributions[role])
        return Trial(role, asked.number, self._tidy(role, asked.params))

    def tell(self, trial: Trial) -> None:
        """How a trial ended; one that is told already stays as it is."""
        import optuna

        failed = trial.status != DONE
        self._studies[trial.role].tell(
            trial.number,
            None if failed else trial.mean,
            skip_if_finished=True,
            state=optuna.trial.TrialState.FAIL if failed else None,
        )

    def try_again(self, trial: Trial) -> None:
        """Queue the settings of a trial that was stopped."""
        self._studies[trial.role].enqueue_trial(dict(trial.settings))

    def unfinished(self, role: str) -> list[Trial]:
        """Trials that were asked for and never told."""
        import optuna

        found = self._studies[role].get_trials(states=(optuna.trial.TrialState.RUNNING,))
        return [Trial(role, entry.number, self._tidy(role, entry.params)) for entry in found]

    def importance(self, role: str) -> dict[str, float]:
        """Share of the variance of validation quality that each setting explains, by fANOVA.

        Hutter, Hoos, Leyton-Brown: An efficient approach for assessing hyperparameter importance,
        ICML 2014. Empty where there are fewer than three measured trials or all are equal.
        """
        import optuna

        study = self._studies[role]
        done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
        if len(done) < 3 or len({entry.value for entry in done}) < 2:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=self.plan.seed)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
        return {name: round(float(share), 4) for name, share in found.items()}

    def _queue_first(self, role: str) -> None:
        """Queue what is tried in a fixed order; nothing is queued twice."""
        study, grid = self._studies[role], self.plan.grid_of(role)
        if study.get_trials(deepcopy=False):
            return
        if self.plan.tries_all:
            for settings in self.plan.combinations_of(role):
                study.enqueue_trial(dict(settings))
        else:
            card = card_of(self.plan.model)
            own = card.settings.of(self.plan.settings).to_dict()
            study.enqueue_trial({name: own[name] for name in grid if _holds(grid[name], own[name])})

    def _tidy(self, role: str, params: dict[str, Any]) -> dict[str, Value]:
        """Drawn numbers with three digits, within their range."""
        grid, tidy = self.plan.grid_of(role), {}
        for name, value in params.items():
            tidy[name] = value
            if isinstance(value, float) and value not in grid[name]:
                numbers = [float(entry) for entry in grid[name]]
                tidy[name] = min(max(float(f"{value:.3g}"), min(numbers)), max(numbers))
        return tidy


def _distributions(grid: Grid) -> dict[str, Any]:
    from optuna import distributions

    found: dict[str, Any] = {}
    for name, values in grid.items():
        if not all(is_number(value) for value in values):
            found[name] = distributions.CategoricalDistribution(list(values))
            continue
        whole = all(isinstance(value, int) for value in values)
        kind = distributions.IntDistribution if whole else distributions.FloatDistribution
        low, high = min(values), max(values)  # type: ignore[type-var]
        found[name] = kind(low, high, log=is_geometric(values))  # type: ignore[arg-type]
    return found


def _holds(values: tuple[Value, ...], value: Value) -> bool:
    """Whether the value lies in what the search may draw."""
    if not all(is_number(entry) for entry in (*values, value)):
        return value in values
    numbers = [float(entry) for entry in values]
    return min(numbers) <= float(value) <= max(numbers)
