"""Weighing the two parts of a score after training: alpha for the source, beta for the target."""
