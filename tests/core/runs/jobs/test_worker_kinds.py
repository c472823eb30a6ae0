import inspect

import pytest

from core.basics.errors import JobError
from core.runs.jobs.worker import KINDS, work_of


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_job_is_a_function_of_workspace_payload_and_report(kind):
    assert list(inspect.signature(work_of(kind)).parameters) == ["workspace", "payload", "report"]


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(JobError, match="Choose from import"):
        work_of("bake")
