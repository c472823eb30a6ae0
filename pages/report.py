"""Report: what do I send round, and how do I show it?"""

from core.ui.frame import page
from core.ui.report import is_presenting, show_report, show_steps
from core.ui.state import require_run

with page("Report", "What do I send round, and how do I show it?"):
    run = require_run()
    if is_presenting():
        show_steps(run)
    else:
        show_report(run)
