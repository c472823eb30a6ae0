"""The Report page: what is sent round, previewed and presented."""
