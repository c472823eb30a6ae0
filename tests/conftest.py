"""What tests of several rooms share: a workspace with the sample pair and its demo runs."""

import os

# Files of tests run side by side: a thread each, before NumPy reads it once.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

from core.basics.workspace import Workspace
from core.runs.demo import load_demo

# A busy machine is no fault of the code: no property fails because its examples come slowly.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def demo_workspace(tmp_path_factory):
    """Loaded once for all; tests only look at it."""
    workspace = Workspace(tmp_path_factory.mktemp("demo") / "workspace")
    load_demo(workspace)
    return workspace
