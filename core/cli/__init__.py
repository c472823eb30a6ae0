"""The command line: files and flags in, a run and its figures out, as words or as JSON."""
