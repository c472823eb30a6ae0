"""A stranger's file, from its bytes to checked rows."""
