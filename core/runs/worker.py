"""The door by which supervisors of an older version start a job: `python -m core.runs.worker`."""

import sys

from core.runs.jobs.worker import main

if __name__ == "__main__":
    main(sys.argv[1:])
