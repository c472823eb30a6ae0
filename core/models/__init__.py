"""Models that carry taste from a source to a target domain; the only room with torch."""
