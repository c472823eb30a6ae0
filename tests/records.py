"""A record as a run has it, for tests that ask little of it."""

from core.store.record import Record


def record(**said) -> Record:
    """A whole record with what the test says of it."""
    figures = {"valid": {}, "test": {}, "counts": {}, "fit": {}, "curve": [], "settings": {}}
    names = {"source_name": "books", "target_name": "films", "label": "EASE", "model": "ease"}
    hashes = {"split_hash": "0" * 16, "dataset_hash": "0" * 16}
    rest = {"role": "run", "seed": 0, "created": 0.0, "cancelled": False}
    return Record(**(figures | names | hashes | rest | said))
