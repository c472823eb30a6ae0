"""Deep networks over pairs, histories and sequences."""
