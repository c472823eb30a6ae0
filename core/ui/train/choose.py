"""Train page, left: split, models with their lights, settings, presets and device."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from core.basics.machine import AUTO, CPU, CUDA, Device, free_memory
from core.basics.settings import SettingInfo, Value
from core.data.snapshot import NEW_ITEMS, SplitInfo
from core.jobs.table import list_jobs
from core.models.kernel.training_settings import SETTING as COUNTS
from core.models.kernel.training_settings import counts_words
from core.models.protocol import ModelCard
from core.models.readiness import BALANCED, PRESETS, Readiness, in_gib, preset_of, readiness
from core.models.registry import CARDS
from core.models.text.features import TextSettings
from core.models.text.vectors import ALONE
from core.runs.jobs.devices import known_devices
from core.runs.making.estimate import sizes_of
from core.runs.making.plan import RunPlan
from core.ui import cached
from core.ui.shell import ask_job, workspace
from core.ui.state import current_split_hash, set_current, splits_of_pair
from core.ui.widgets import ask_setting, pick_encoder, plain, spoken

LIGHTS = {
    "green": ":green[:material/check_circle:]",
    "amber": ":yellow[:material/warning:]",
    "red": ":red[:material/block:]",
}
LIST_HEIGHT = 480  # pixels: Start stays in sight
FIRST = "ease"  # ticked on the first visit


def pick_split() -> SplitInfo | None:
    """What is trained on; a box to change it where the workspace has several splits."""
    hashes, chosen = splits_of_pair(), current_split_hash()
    if chosen is None:
        return None
    if len(hashes) > 1:
        st.session_state["train_split"] = chosen
        st.selectbox(
            "Split",
            hashes,
            format_func=_split_name,
            key="train_split",
            on_change=_keep_split,
            help="What models train on and are judged by; made on the Data page.",
        )
    return cached.split_info(chosen)


def pick_models(info: SplitInfo) -> list[ModelCard]:
    """The models that are ticked, in the order of the registry; above them the preset."""
    pick_preset()
    ratings, new = cached.rating_facts(info.split_hash), info.kind == NEW_ITEMS
    sizes, free = sizes_of(info, ratings), free_memory()
    shared = cached.shared_users(info.split_hash)
    joined = bool(cached.knowledge(info.split_hash).names)
    chosen: list[ModelCard] = []
    with st.container(height=LIST_HEIGHT, key="train_models"):
        for family, cards in groupby(CARDS.values(), key=lambda card: card.family):
            with st.container(gap=None):
                st.caption(family.upper())
                chosen += [
                    card
                    for card in cards
                    if _tick(
                        card,
                        readiness(card, sizes, shared, None, free, ratings, new, joined),
                        ratings.counted,
                    )
                ]
    return chosen


def _tick(card: ModelCard, ready: Readiness, counted: bool) -> bool:
    counts = f"  \nIt reads {counts_words(card.settings)}." if counted else ""
    red = ready.light == "red"
    ticked = st.checkbox(
        f"{LIGHTS[ready.light]} {card.title}",
        value=card.name == FIRST,
        key=f"train_{card.name}",
        disabled=red,
        persist_state="session",
        help=f"{card.line}  \n{card.when}  \n{ready.reason}{counts}  \n*{card.paper}*",
    )
    needs = f" Needs {', '.join(card.needs)}." if card.needs else ""
    if ready.light != "green":
        st.caption(f"**{ready.reason}**")
    elif ticked:  # many models: a line each would hide the list
        st.caption(f"{card.line}{needs}")
    return ticked and not red


def _split_name(split_hash: str) -> str:
    info = cached.split_info(split_hash)
    names = f"{info.source_name} → {info.target_name}"
    return f"{names} · {info.kind} · seed {info.seed} · {split_hash[:6]}"


def _keep_split() -> None:
    set_current(split=st.session_state["train_split"])


def split_line(info: SplitInfo) -> str:
    """One line of Markdown on what is trained on."""
    counts = info.counts
    return (
        f":orange[**{plain(info.source_name, 40)}**] → :blue[**{plain(info.target_name, 40)}**] · "
        f"{plain(info.kind)} · {counts['users']:,} users · "
        f"{counts['source_items']:,} + {counts['target_items']:,} items"
    )


# Train page, left: settings of the chosen models, device and seed; the plans they make.

SEED = 2022
VECTORS = "vectors"  # the setting about uploaded ones
OF_TEXTS = ("encoder", "reads", "word_weight")
ENCODER = "encoder"  # the setting that is picked by what is known of each encoder
LARGEST_SEED = 2**31 - 1


def pick_plans(info: SplitInfo, cards: list[ModelCard]) -> list[RunPlan]:
    """One plan per chosen model."""
    seed, device = _pick_seed(), AUTO
    if any(card.gradient for card in cards):  # all others use the CPU
        device = pick_device()
    return [
        _plan(info, card, _pick_settings(card, info.split_hash), seed, device) for card in cards
    ]


def _plan(
    info: SplitInfo, card: ModelCard, settings: dict[str, Value], seed: int, device: str
) -> RunPlan:
    return RunPlan(
        info.split_hash, card.name, settings, seed, device, label_of(card, settings, seed)
    )


def label_of(card: ModelCard, settings: dict[str, Value], seed: int) -> str:
    """What the run is called: its model, and the settings that are not the model's own."""
    own = card.settings().to_dict()
    changed = [
        f"{spoken(name)} {value:g}" if isinstance(value, float) else f"{spoken(name)} {value}"
        for name, value in settings.items()
        if value != own[name]
    ]
    return " · ".join([card.title, *changed, f"seed {seed}"])


def _pick_seed() -> int:
    seed = st.number_input(
        "Seed",
        min_value=0,
        max_value=LARGEST_SEED,
        value=SEED,
        step=1,
        key="train_seed",
        help="Where chance starts: the same seed, data and settings give the same run.",
        persist_state="session",
    )
    return int(seed)


def _pick_settings(card: ModelCard, split_hash: str) -> dict[str, Value]:
    infos = asked_about(card, split_hash)
    if not infos:
        return {}
    with st.expander(f"Details of {card.title}", key=f"details_{card.name}"):
        if card.differs:
            st.caption(f"Beside the paper: {card.differs}")
        return {info.name: _ask(card, info) for info in infos}


def asked_about(card: ModelCard, split_hash: str) -> list[SettingInfo]:
    """The settings that do something on a split.

    Where no row has a count, nothing is asked about counts. Without uploaded vectors there is
    nothing to ask of them; where they are read alone, the settings of texts do nothing.
    """
    facts = cached.rating_facts(split_hash)
    infos = [info for info in card.settings.infos() if info.name != COUNTS or facts.counted]
    if not any(facts.vectors):
        return [info for info in infos if info.name != VECTORS]
    alone = st.session_state.get(setting_key(card, VECTORS)) == ALONE
    idle = OF_TEXTS if alone and issubclass(card.settings, TextSettings) else ()
    first = [info for info in infos if info.name == VECTORS]  # what is below depends on it
    return first + [info for info in infos if info.name not in (VECTORS, *idle)]


def _ask(card: ModelCard, info: SettingInfo) -> Value:
    key = setting_key(card, info.name)
    if info.name == ENCODER and issubclass(card.settings, TextSettings):
        return pick_encoder(key, info.help)
    return ask_setting(info, key=key)


# Train page, left: fast, balanced or thorough, which fills in the settings of every model.

_KEY, _BEFORE = "train_preset", "train_preset_before"
_HELP = (
    "Fast takes fewer epochs and shorter vectors, thorough takes more; balanced is each model's "
    "own settings. A setting you changed yourself stays as it is."
)


def pick_preset() -> None:
    """A choice that fills the forms below."""
    st.segmented_control(
        "Preset",
        PRESETS,
        default=BALANCED,
        required=True,
        key=_KEY,
        format_func=str.capitalize,
        on_change=_fill,
        help=_HELP,
        persist_state="session",
    )


def setting_key(card: ModelCard, name: str) -> str:
    """Key of the widget of one setting."""
    return f"setting_{card.name}_{name}"


def _fill() -> None:
    """Every setting that still has the old preset's value takes the new one's."""
    state = st.session_state
    before, now = state.get(_BEFORE, BALANCED), state[_KEY]
    state[_BEFORE] = now
    for card in CARDS.values():
        own = card.settings().to_dict()
        old, new = own | preset_of(card, before), own | preset_of(card, now)
        for name in own:
            key = setting_key(card, name)
            if old[name] != new[name] and state.get(key, old[name]) == old[name]:
                state[key] = new[name]


# Train page, left: where models that train by gradients run.

KIND = "devices"
_DEVICE_HELP = (
    "CUDA trains LightGCN on an NVIDIA GPU; all other models use the CPU. Auto takes the GPU where "
    "there is one that works."
)


def pick_device() -> str:
    """Name of the chosen device; what this machine has is found out by a job, once."""
    found = known_devices(workspace())
    # Ask once: where looking failed, auto and the CPU are all there is to choose
    if found is None and not list_jobs(workspace(), kind=KIND, dismissed=True, limit=1):
        ask_job(KIND, {}, "Looking for a GPU")
    titles = {device.name: _title(device) for device in found or [Device(CPU, "CPU")]}
    chosen = st.selectbox(
        "Device",
        [AUTO, *titles],
        format_func=lambda name: titles.get(name, "Auto"),
        key="train_device",
        help=_DEVICE_HELP,
        persist_state="session",
    )
    if found is None:
        st.caption("Looking for a GPU in the background; auto will use it if there is one.")
    elif CUDA not in titles:
        st.caption("No GPU that works was found here.")
    return str(chosen)


def device_memory(name: str) -> int | None:
    """Bytes of the GPU a run would take up; None where the machine's own memory counts."""
    devices = {device.name: device for device in known_devices(workspace()) or []}
    if name == CPU or CUDA not in devices:
        return None
    return devices[CUDA].memory


def _title(device: Device) -> str:
    if device.memory is None:
        return device.title
    return f"{device.name.upper()} · {device.title} · {in_gib(device.memory)}"
