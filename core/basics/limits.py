"""Limits of a child that opens a stranger's file: a file made to do harm ends the child alone."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from pathlib import Path

from core.basics.memory import free_memory

LEAST_MEMORY = 4 << 30  # bytes; libraries and threads take a part before anything is read
_SHARE = 0.9  # of the free memory
_SECONDS, _SECONDS_PER_BYTE = 600, 1e-6  # an import takes a hundredth of this
_LEAST_FILE, _GROWTH = 8 << 30, 40  # bytes; a packed file grows where it is unpacked
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET of Linux


def limit_for(file: Path) -> None:
    """Bound the memory, CPU seconds and files of this process by the size of the file it opens.

    Where more memory is asked for MemoryError is raised, where a file grows too large OSError; the
    system ends a process whose CPU seconds are used up. Nothing is written of a crash, and there
    is no network where the system lets us take it away (root, or a container that allows it).
    Nothing happens on a system that knows no such limits.
    """
    size = file.stat().st_size
    memory = max(LEAST_MEMORY, int(_SHARE * free_memory()))
    set_limits(memory, int(_SECONDS + _SECONDS_PER_BYTE * size), max(_LEAST_FILE, _GROWTH * size))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).unshare(_NEW_NETWORK)  # answers -1 where it is not allowed


def set_limits(memory: int, seconds: int, file_bytes: int) -> None:
    """Bound this process: bytes of its own memory, CPU seconds, bytes of any file it writes.

    Memory is what it writes to: libraries reserve addresses by the gigabyte and never use them.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, wanted in limits:
        hard = resource.getrlimit(kind)[1]
        bound = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):  # a system that cannot bound this
            resource.setrlimit(kind, (bound, hard))
