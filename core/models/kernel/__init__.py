"""What several models train and score with."""
