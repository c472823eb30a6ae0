"""The ground floor: words, errors, settings and small types that every room above uses."""
