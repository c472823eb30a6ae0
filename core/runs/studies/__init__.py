"""What is measured on a run after it was made."""
