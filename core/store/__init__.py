"""Run folders: what a run keeps, whole or not at all, in tensors, Parquet and JSON."""
