"""Start: what is here, and what is next?"""

from core.ui.frame import page
from core.ui.start import (
    demo_job,
    draw_cards,
    draw_checklist,
    draw_choice,
    draw_next_step,
    draw_recent_jobs,
    is_empty,
)

with page("Start", "What is here, and what next?"):
    demo = demo_job()
    if demo is not None and demo.is_active:
        draw_checklist(demo)
    elif is_empty():
        draw_choice()
    else:
        draw_cards()
        draw_next_step()
        draw_recent_jobs()
