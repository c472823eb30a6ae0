"""Train page: the split, and beside the models their settings, preset, seed and device."""

from __future__ import annotations

import streamlit as st

from core.basics.formatting import count
from core.basics.machine import AUTO, CPU, CUDA, Device
from core.basics.settings import SettingInfo, Value
from core.data.snapshot import SplitInfo
from core.jobs.table import list_jobs
from core.models.kernel.training_settings import SETTING as COUNTS
from core.models.protocol import ModelCard
from core.models.readiness import BALANCED, PRESETS, in_gib, preset_of
from core.models.registry import CARDS
from core.models.text.features import TextSettings
from core.models.text.vectors import ALONE
from core.runs.jobs.devices import known_devices
from core.runs.making.plan import RunPlan
from core.ui import cached
from core.ui.shell import ask_job, workspace
from core.ui.state import (
    current_split_hash,
    one_of,
    recalled,
    set_current,
    splits_of_pair,
)
from core.ui.widgets import ask_setting, pick_encoder, plain, spoken, usable_encoder


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
        )
    info = cached.split_info(chosen)
    st.caption(_sizes(info))
    return info


def _split_name(split_hash: str) -> str:
    """Its kind; what else tells it from another split of the pair only where the kind does not."""
    info = cached.split_info(split_hash)
    others = [cached.split_info(other) for other in splits_of_pair() if other != split_hash]
    alike = [other for other in others if other.kind == info.kind]
    words = [info.kind]
    if alike:
        words.append(f"seed {info.seed}")
    if any(other.seed == info.seed for other in alike):
        words.append(split_hash[:6])
    return " · ".join(words)


def _keep_split() -> None:
    set_current(split=st.session_state["train_split"])


def split_line(info: SplitInfo) -> str:
    """One line of Markdown on what is trained on."""
    source, target = plain(info.source_name, 40), plain(info.target_name, 40)
    return f":orange[**{source}**] → :blue[**{target}**] · {_sizes(info)}"


def _sizes(info: SplitInfo) -> str:
    counts = info.counts
    return (
        f"{plain(info.kind)} · {count(counts['users'], 'user')} · "
        f"{counts['source_items']:,} + {count(counts['target_items'], 'item')}"
    )


# Settings of the chosen models, device and seed; the plans they make.

SEED = 2022
VECTORS = "vectors"  # the setting about uploaded ones
OF_TEXTS = ("encoder", "reads", "word_weight")
ENCODER = "encoder"  # the setting that is picked by what is known of each encoder
LARGEST_SEED = 2**31 - 1


def pick_plans(info: SplitInfo, cards: list[ModelCard]) -> list[RunPlan]:
    """One plan per chosen model; above their settings what all of them have in common."""
    device = AUTO
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pick_preset()
        seed = _pick_seed()
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
        persist_state="session",
        width=150,
    )
    return int(seed)


def _pick_settings(card: ModelCard, split_hash: str) -> dict[str, Value]:
    """What its form says; a closed form is not drawn, and what it said last counts."""
    infos = asked_about(card, split_hash)
    if not infos:
        return {}
    form = st.expander(f"Settings of {card.title}", key=f"details_{card.name}", on_change="rerun")
    if not form.open:
        return {info.name: _kept(card, info) for info in infos}
    with form:
        if card.differs:
            st.caption(f"Beside the paper: {card.differs}")
        return {info.name: _ask(card, info) for info in infos}


def _kept(card: ModelCard, info: SettingInfo) -> Value:
    value = st.session_state.get(setting_key(card, info.name), info.default)
    if info.name == ENCODER and issubclass(card.settings, TextSettings):
        return usable_encoder(str(value))
    return info.kind(value)


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


# Fast, balanced or thorough, which fills in the settings of every model.

_KEY, _BEFORE = "train_preset", "train_preset_before"
_HELP = (
    "Fast takes fewer epochs and shorter vectors, thorough takes more; balanced is each model's "
    "own settings. A setting you changed yourself stays as it is. The seed says where chance "
    "starts: the same seed, data and settings give the same run."
)


def pick_preset() -> None:
    """A choice that fills the forms below, kept in the address."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = recalled("preset", BALANCED, one_of(PRESETS))
        _fill()  # of a link the forms say nothing yet
    st.segmented_control(
        "Preset",
        PRESETS,
        required=True,
        key=_KEY,
        format_func=str.capitalize,
        on_change=_keep_preset,
        help=_HELP,
        persist_state="session",
    )


def _keep_preset() -> None:
    _fill()
    set_current(preset=st.session_state[_KEY])


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


# Where models that train by gradients run.

KIND = "devices"
_DEVICE_HELP = (
    "CUDA trains LightGCN on an NVIDIA GPU; all other models use the CPU. Auto takes the GPU where "
    "there is one that works."
)


def pick_device() -> str:
    """Name of the chosen device, asked for where there is a GPU; a job finds that out, once."""
    found = known_devices(workspace())
    # Asked once: where looking failed, auto is all there is
    if found is None and not list_jobs(workspace(), kind=KIND, dismissed=True, limit=1):
        ask_job(KIND, {}, "Looking for a GPU")
    titles = {device.name: _title(device) for device in found or []}
    if CUDA not in titles:  # there is nothing to choose
        return AUTO
    return str(
        st.selectbox(
            "Device",
            [AUTO, *titles],
            format_func=lambda name: titles.get(name, "Auto"),
            key="train_device",
            help=_DEVICE_HELP,
            persist_state="session",
        )
    )


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
