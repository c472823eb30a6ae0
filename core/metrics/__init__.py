"""Metrics over users: ranking quality, catalogue figures and their bootstrap intervals."""
