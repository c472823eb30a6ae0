"""Metrics: which run is better, for whom, and is it more than noise?"""

from core.ui.shell import page
from core.ui.state import require_run

with page("Metrics", "Which run is better, for whom, and is it more than noise?"):
    run = require_run()
