"""Models made of other models or of given lists."""
