"""What a pair must pass before its figures can be trusted."""
