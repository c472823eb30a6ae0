"""From a plan to a kept run."""
