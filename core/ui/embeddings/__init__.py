"""The Embeddings page in pieces."""
