"""What tests of several rooms share: a workspace with the sample pair and its demo runs."""

import fcntl
import functools
import gc
import os
import sys

# Files of tests run side by side: a thread each, before NumPy reads it once. Numba has a number of
# its own, and its first parallel loop gives it to torch: fits after it took ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", os.environ["OMP_NUM_THREADS"])

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no fault of the code: no property fails because its examples come slowly.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

WORKER = "PYTEST_XDIST_WORKER"


@pytest.fixture(scope="session", autouse=True)
def _packages_are_read_once():
    """AppTest reads the metadata of every installed package whenever an app starts: half a second.

    What it looks for are components that a package brings; none is installed between two tests.
    Where no test file asked for an app, Streamlit is not loaded for this.
    """
    if "streamlit.testing" not in sys.modules:
        yield
        return
    from streamlit.components.v2 import manifest_scanner

    scan = functools.cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(scope="session", autouse=True)
def _nobody_pulls_the_plug():
    """What is written need not reach the disk while the machine runs: thousands of waits less."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda handle: None)
        yield


def pytest_collection_modifyitems(items):
    """Files that drive a browser wait more than they compute: they are spread among the others.

    Two of them side by side leave a core idle, and the last one alone holds everybody up.
    """
    files = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    waiting = [path for path, own in files.items() if own[0].get_closest_marker("browser")]
    order = [path for path in files if path not in waiting]
    apart = len(order) // (len(waiting) + 1)  # so many files of others before the next, and at last
    for place, path in enumerate(waiting):
        order.insert(place * (apart + 1), path)
    items[:] = [item for path in order for item in files[path]]


def pytest_collection_finish():
    """What the libraries brought stays till the end: garbage is looked for among the rest alone."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def demo_workspace(tmp_path_factory):
    """Loaded once for all, also where files of tests run side by side; tests only look at it."""
    from core.basics.workspace import Workspace
    from core.runs.jobs.demo import load_demo

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if WORKER in os.environ else base) / "demo"
    folder.mkdir(exist_ok=True)
    workspace = Workspace(folder / "workspace")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "loaded").exists():
            load_demo(workspace)
            (folder / "loaded").touch()
    return workspace
