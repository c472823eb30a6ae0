"""The log of edits behind a tab: kept in the address bar, undone one by one, or all forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.runs.explain.what_if import Edit, read_edits, write_edits
from core.ui.state import fits, recall, set_current

EDITS, VISITOR = "edits", "visitor"  # names in the address bar
_FULL = "edits_full"


@dataclass(frozen=True)
class EditLog:
    """Edits in their order, under a name of the address bar.

    owner: the user whose histories are edited; somebody else's edits do not count. A visitor has
    none.
    """

    name: str
    owner: str = ""

    def edits(self) -> list[Edit]:
        """What was done so far; nothing where the address makes no sense."""
        text = recall(self.name) or ""
        if self._start and not text.startswith(self._start):
            return []
        try:
            return read_edits(text.removeprefix(self._start))
        except ValueError:
            return []

    def add(self, edit: Edit) -> None:
        """Do one more; an address that is full says so instead."""
        self._keep([*self.edits(), edit])

    def undo(self) -> None:
        """Take the last one back."""
        self._keep(self.edits()[:-1])

    def reset(self) -> None:
        """Forget all of them."""
        self._keep([])

    def _keep(self, edits: list[Edit]) -> None:
        text = self._start + write_edits(edits)
        if not fits(self.name, text):
            st.session_state[_FULL] = True
            return
        set_current(**{self.name: text if edits else None})

    @property
    def _start(self) -> str:
        return f"{quote(self.owner, safe='')}!" if self.owner else ""


def show_log_buttons(
    log: EditLog, edits: list[Edit], undo: DeltaGenerator, reset: DeltaGenerator
) -> None:
    """Undo and reset in their columns, and a word where the address holds no more."""
    undo.button(
        "Undo",
        icon=":material/undo:",
        key=f"{log.name}_undo",
        disabled=not edits,
        on_click=log.undo,
        width="stretch",
    )
    reset.button(
        "Reset",
        icon=":material/restart_alt:",
        key=f"{log.name}_reset",
        disabled=not edits,
        on_click=log.reset,
        width="stretch",
    )
    if st.session_state.pop(_FULL, False):
        st.warning("The address bar holds no more edits. Undo some, or reset and start again.")
