"""Long work as rows in a table: who asks, who runs it, how far it is, how it ended."""
