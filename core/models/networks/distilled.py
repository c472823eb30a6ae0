"""Knowledge distillation: a large teacher learns first, a small student learns from it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import IntArray, Vectors
from core.data.pair import DomainPair
from core.models.kernel.arrays import Array, Weights, as_like, normal_table, picked, unit
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import GradientModel, gradient_memory
from core.models.kernel.losses import (
    both_cells,
    both_softmaxes,
    contest,
    cosines,
    drawn_vectors,
    entries,
    read,
)
from core.models.kernel.training_settings import SoftmaxSettings
from core.models.protocol import Finding, ModelCard, Network, PairSizes, State

# What a student takes over from a teacher: soft shares, the top of the ranking, or vectors.


def softened_divergence(teacher: Array, student: Array, softness: float) -> Array:
    """Mean Kullback-Leibler divergence of softened shares, times softness²; (users, items) logits.

    Hinton et al. 2015, sec. 2: both are divided by `softness` before the softmax.
    """
    import torch

    wanted = torch.log_softmax(teacher / softness, dim=1)
    ours = torch.log_softmax(student / softness, dim=1)
    return softness**2 * (wanted.exp() * (wanted - ours)).sum(dim=1).mean()


def ranking_distillation(teacher: Array, student: Array, known: csr_matrix, length: int) -> Array:
    """-log of the student's share of the teacher's first items, the higher ones counting more.

    Tang and Wang 2018 (Ranking distillation), eq. 5-6: items the user is known to like are left
    out, the item at rank r weighs exp(-r / length), as weights that sum to 1. Shares of a softmax
    take the place of single sigmoids.
    """
    import torch

    rows, columns = entries(known)
    hidden = teacher.clone()
    hidden[rows, columns] = -torch.inf
    best = hidden.topk(length, dim=1)
    weights = np.exp(-np.arange(1, length + 1) / length).astype(np.float32)
    counted = as_like(weights / weights.sum(), student) * best.values.isfinite()
    ours = torch.log_softmax(student, dim=1).gather(1, best.indices)  # (users, length)
    return -(counted * ours).sum(dim=1).mean()


def hint_loss(read_off: Array, teacher: Array) -> Array:
    """Mean squared distance of what is read off the student, (n, d), to the teacher's vectors.

    Romero et al. 2015 (FitNets), eq. 3.
    """
    return ((read_off - teacher) ** 2).sum(-1).mean()


def relaxed_ranking(
    teacher: Array, student: Array, known: csr_matrix, length: int, rng: np.random.Generator
) -> Array:
    """-log likelihood that drawn items stand in the teacher's order, over drawn others in none.

    Kang et al. 2020 (DE-RRD), sec. 4.2, eq. 6-8: `length` interesting items are drawn by their rank
    in the teacher's list, exp(-rank / T), and as many uninteresting ones alike from the rest; the
    order among these does not count. Items the user is known to like are left out. Per drawn item.
    """
    import torch

    n_users, n_items = teacher.shape
    length = min(length, n_items // 2)
    if not length:
        return student.sum() * 0.0
    rows, columns = entries(known)
    hidden = teacher.clone()
    hidden[rows, columns] = -torch.inf
    ranked, order = hidden.sort(dim=1, descending=True)  # the teacher's list of each user
    ours, open_ = student.gather(1, order), ranked.isfinite()
    ranks = torch.arange(n_items, device=student.device)
    chance = as_like(rng.gumbel(size=(2, n_users, n_items)).astype(np.float32), student)
    # Largest of log probability plus Gumbel noise: a draw without replacement
    by_rank = (chance[0] - ranks * RANKS_PER_DECAY / length).masked_fill(~open_, -torch.inf)
    interesting = by_rank.topk(length, dim=1).indices.sort(dim=1).values
    others = chance[1].masked_fill(~open_, -torch.inf).scatter(1, interesting, -torch.inf)
    drawn, uninteresting = others.topk(length, dim=1)
    counted = open_.gather(1, interesting)
    above = ours.gather(1, interesting).masked_fill(~counted, NEVER)
    below = ours.gather(1, uninteresting).masked_fill(~drawn.isfinite(), NEVER)
    rest = torch.logaddexp(
        above.flip(1).logcumsumexp(1).flip(1),  # of the item itself and all that stand lower
        below.logsumexp(1, keepdim=True),
    )
    return ((rest - above) * counted).sum() / counted.sum().clamp(min=1)


def experts_loss(
    weights: Weights, name: str, ours: Array, wise: Array, heat: float, rng: np.random.Generator
) -> Array:
    """Squared distance of what the chosen expert reads off the student's vectors to the teacher's.

    Kang et al. 2020 (DE-RRD), sec. 4.1, eq. 1-4: a selection network chooses among the experts by
    the teacher's vector, by a Gumbel softmax that comes closer to one choice as `heat` falls.
    ours: (n, d); wise: (n, teacher's d).
    """
    import torch

    logits = torch.log_softmax(wise @ weights[f"{name}.choice"], dim=1)  # (n, experts)
    chance = as_like(rng.gumbel(size=tuple(logits.shape)).astype(np.float32), logits)
    chosen = torch.softmax((logits + chance) / heat, dim=1)
    hidden = torch.relu(torch.einsum("nd,edh->neh", ours, weights[f"{name}.into"]))
    read = torch.einsum("neh,eht,ne->nt", hidden, weights[f"{name}.out"], chosen)
    return hint_loss(read, wise)


RANKS_PER_DECAY = 4.0  # T is a quarter of how many items are drawn: nearly all are from the top
NEVER = -1e9  # logit of what was not there to be drawn
COOLED = 0.1  # heat of the experts' choice in the last epoch; 1 in the first
SOFTENED, RANKING, RELAXED = "softened softmax", "top of the ranking", "relaxed ranking, experts"
TEACHER, STUDENT = "teacher.", "student."
TABLES = ("source.read", "target.read", "target.found")  # what answering takes
TIMED = 1000  # users scored to tell how long scoring takes


@dataclass(frozen=True)
class DistilledSettings(SoftmaxSettings):
    """Sizes of both, what the student takes over, and the speed of the training."""

    epochs: int = setting(60, low=1, high=1000, help="Rounds over all users, the teacher's first.")
    factors: int = setting(32, low=2, high=512, help="Length of the student's vectors.")
    teacher_factors: int = setting(256, low=2, high=1024, help="Length of the teacher's vectors.")
    teacher_epochs: int = setting(
        12,
        low=1,
        high=1000,
        help="Rounds the teacher learns before the student starts; at most half of all.",
    )
    source_loss_weight: float = setting(
        0.2,
        low=0.0,
        high=10.0,
        help="What finding source items counts beside target items while the teacher learns.",
    )
    distillation: str = setting(
        SOFTENED,
        choices=(SOFTENED, RANKING, RELAXED),
        help="What the student takes over: the teacher's shares of all items, its first items, or "
        "their order over items further down, with experts that read off its vectors (DE-RRD).",
    )
    distillation_weight: float = setting(
        1.0, low=0.0, high=100.0, help="What the teacher's word counts beside the data."
    )
    softness: float = setting(
        2.0,
        low=1.0,
        high=20.0,
        help="Softened softmax only: more lets the student hear more of the items further down.",
    )
    ranking_length: int = setting(
        50,
        low=1,
        high=1000,
        help="Top of the ranking: how many of the teacher's items. Relaxed ranking: how many from "
        "the top, over as many from further down.",
    )
    experts: int = setting(
        5,
        low=1,
        high=50,
        help="Relaxed ranking only: networks that read off the teacher's vectors.",
    )
    hint_weight: float = setting(
        0.1,
        low=0.0,
        high=100.0,
        help="What it counts that the teacher's vectors can be read off the student's.",
    )


class Distilled(Network):
    """Two two-tower networks, one after the other; only the student is kept.

    Until the student's first epoch is over the teacher answers.
    """

    def __init__(self, settings: DistilledSettings) -> None:
        self.settings = settings
        self.preparation = min(settings.teacher_epochs, settings.epochs // 2)
        self._teacher: State = {}

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """The teacher's tables, the student's, and what reads one's user vectors off the other's.

        The student has no table of source items to be found: it answers for the target alone.
        """
        sizes = dict(
            zip(TABLES, (train.source.shape[1], *2 * [train.target.shape[1]]), strict=True)
        )
        small, large = self.settings.factors, self.settings.teacher_factors
        teacher = {TEACHER + name: normal_table(size, large, rng) for name, size in sizes.items()}
        student = {STUDENT + name: normal_table(size, small, rng) for name, size in sizes.items()}
        rest = {
            TEACHER + "source.found": normal_table(sizes["source.read"], large, rng),
        }
        if self.settings.distillation == RELAXED:
            rest |= self._experts(rng)
        else:
            rest["hint"] = normal_table(small, large, rng, spread=small**-0.5)
        return teacher | student | rest

    def _experts(self, rng: np.random.Generator) -> State:
        """Of users and of items: what chooses an expert, and both layers of every expert."""
        small, large = self.settings.factors, self.settings.teacher_factors
        between, n = (small + large) // 2, self.settings.experts
        shapes = {"choice": (large, n), "into": (n, small, between), "out": (n, between, large)}
        return {
            f"experts.{whose}.{name}": rng.normal(0.0, shape[-2] ** -0.5, shape).astype(np.float32)
            for whose in ("users", "items")
            for name, shape in shapes.items()
        }

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """The teacher's own loss, or the student's with what the teacher tells it."""
        if batch.epoch <= self.preparation:
            return self._teacher_loss(weights, batch)
        settings = self.settings
        users = _users(weights, STUDENT, batch.source_shown, batch.target_shown)
        asked = contest(batch.target_wanted, settings.softmax_items, batch.rng)
        logits = self._logits(weights, STUDENT, users, asked.items)
        loss = asked.loss(logits)
        if not self.preparation:
            return loss
        fixed = {name: weights[name].detach() for name in weights if name.startswith(TEACHER)}
        wise = _users(fixed, TEACHER, batch.source_wanted, batch.target_wanted)  # sees all
        if settings.distillation_weight:
            wisdom = self._logits(fixed, TEACHER, wise, asked.items)
            told = self._told(wisdom, logits, asked.wanted, batch.rng)
            loss = loss + settings.distillation_weight * told
        if not settings.hint_weight:
            return loss
        if settings.distillation != RELAXED:
            return loss + settings.hint_weight * hint_loss(users @ weights["hint"], wise)
        heat = COOLED ** ((batch.epoch - self.preparation) / (settings.epochs - self.preparation))
        hint = experts_loss(weights, "experts.users", users, wise, heat, batch.rng)
        some = np.unique(batch.target_wanted.indices)
        some = batch.rng.permutation(some)[: settings.batch_size]
        if len(some):
            ours, theirs = (
                unit(picked(tables[prefix + "target.found"], some))
                for tables, prefix in ((weights, STUDENT), (fixed, TEACHER))
            )
            hint = hint + experts_loss(weights, "experts.items", ours, theirs, heat, batch.rng)
        return loss + settings.hint_weight * hint

    def finished(self, weights: State, epoch: int) -> State:
        """The student's tables, or the teacher's while there is no student."""
        self._teacher = _tables(weights, TEACHER)
        return self._teacher if epoch <= self.preparation else _tables(weights, STUDENT)

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """Unit vectors, (n, d)."""
        return _users(weights, "", source, target)

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Cosines."""
        return cosines(users, weights["target.found"], items)

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Items as they are read (source) and found (target), and users as either history draws."""
        source, target = unit(weights["source.read"]), unit(weights["target.found"])
        return drawn_vectors(self, weights, train, source, target)

    def findings(self, weights: State, train: DomainPair) -> list[Finding]:
        """Size, speed and fit of teacher and student side by side."""
        if not self._teacher:
            return []
        found = []
        for name, one in (("Teacher", self._teacher), ("Student", weights)):
            parameters = float(sum(table.size for table in one.values()))
            source, target = train.source[:TIMED], train.target[:TIMED]
            before = time.process_time()
            self.scores(one, _users(one, "", source, target), None)
            milliseconds = 1e3 * (time.process_time() - before)
            found += [
                Finding(f"{name}: parameters", parameters, "Numbers kept for answering."),
                Finding(
                    f"{name}: scoring CPU ms",
                    milliseconds,
                    f"CPU milliseconds for all target items of up to {TIMED:,} users.",
                ),
                Finding(
                    f"{name}: training loss",
                    self._training_loss(one, train),
                    "Mean -log of the share of each training item among all target items; lower "
                    "fits the training data more closely, which is not yet better lists.",
                ),
            ]
        return found

    def _teacher_loss(self, weights: Weights, batch: Batch) -> Array:
        users = _users(weights, TEACHER, batch.source_shown, batch.target_shown)
        return both_softmaxes(users, weights, batch, self.settings, TEACHER)

    def _told(
        self, teacher: Array, student: Array, wanted: csr_matrix, rng: np.random.Generator
    ) -> Array:
        if self.settings.distillation == SOFTENED:
            return softened_divergence(teacher, student, self.settings.softness)
        length = min(self.settings.ranking_length, teacher.shape[1])
        if self.settings.distillation == RELAXED:
            return relaxed_ranking(teacher, student, wanted, length, rng)
        return ranking_distillation(teacher, student, wanted, length)

    def _logits(self, weights: Weights, prefix: str, users: Array, items: IntArray | None) -> Array:
        return cosines(users, weights[prefix + "target.found"], items) / self.settings.temperature

    def _training_loss(self, tables: State, train: DomainPair) -> float:
        """Over the first TIMED users with target history, shown whole histories."""
        some = np.flatnonzero(train.target_history)[:TIMED]
        if not len(some):
            return float("nan")
        users = _users(tables, "", train.source[some], train.target[some])
        logits = self.scores(tables, users, None) / self.settings.temperature
        whole = np.log(np.exp(logits - 1 / self.settings.temperature).sum(axis=1))
        rows, columns = train.target[some].nonzero()
        return float((whole[rows] + 1 / self.settings.temperature - logits[rows, columns]).mean())


def _users(weights: Weights, prefix: str, source: csr_matrix, target: csr_matrix) -> Array:
    """Unit sums of the vectors of both histories, (n, d), as in the two-tower model."""
    from_source = read(source, weights[f"{prefix}source.read"])
    return unit(from_source + read(target, weights[f"{prefix}target.read"]))


def _tables(weights: State, prefix: str) -> State:
    return {name: weights[prefix + name] for name in TABLES}


def _memory(sizes: PairSizes, settings: DistilledSettings) -> int:
    items = sizes.source_items + sizes.target_items
    parameters = 2 * items * (settings.factors + settings.teacher_factors)
    return gradient_memory(sizes, parameters, 2 * both_cells(sizes, settings), settings.batch_size)


CARD = ModelCard(
    name="distilled",
    title="Distilled two-tower",
    family="Distillation",
    line="A large teacher learns from both domains; a small student learns from its rankings.",
    paper="Hinton et al.: Distilling the knowledge in a neural network, 2015; Tang and Wang: "
    "Ranking distillation, KDD 2018; Romero et al.: FitNets, ICLR 2015; Kang et al.: DE-RRD, "
    "CIKM 2020",
    differs="Teacher and student are two-tower networks over histories; hints are user vectors "
    "read off by one matrix, or user and item vectors by DE-RRD's experts, whose choice cools to a "
    "tenth of its heat. Only the student is kept and scored.",
    when="When lists must come fast or the model must be small; compare with a two-tower model of "
    "the student's size.",
    words="The score is a cosine and not a sum. Each part is the score with the other domain's "
    "history silenced; parts are standardised per user before they are weighed.",
    settings=DistilledSettings,
    build=lambda settings: GradientModel(Distilled(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    gradient=True,
    presets={
        "fast": {"epochs": 30, "teacher_epochs": 12, "teacher_factors": 128, "patience": 3},
        "thorough": {"epochs": 150, "teacher_epochs": 30, "teacher_factors": 512, "patience": 10},
    },
    grid={"distillation_weight": (0.3, 1.0, 3.0), "softness": (1.0, 2.0)},
)
