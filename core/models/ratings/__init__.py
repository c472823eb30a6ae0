"""Models of ratings, measured by their error."""
