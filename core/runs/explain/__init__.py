"""Why an item is in a list, and what would change it."""
