"""Start: does the source help, whom, and what to do?"""

from core.ui.frame import page
from core.ui.start import (
    answering,
    draw_another,
    draw_answer,
    draw_checklist,
    draw_choice,
    draw_ending,
)
from core.ui.state import current_pair
from core.ui.transfer_map import draw_transfer_map

with page("Start", "Does one domain help to recommend in another, and whom?"):
    job = answering()
    if job is None:
        draw_ending()
    draw_answer(so_far=job is not None)
    if job is not None:
        draw_checklist(job)
    elif current_pair() is None:
        draw_choice()
    else:
        draw_another()
    if job is None:
        draw_transfer_map()
