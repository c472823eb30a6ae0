"""Interactions from files to a pair of domains and its splits; the only room with SQL."""
