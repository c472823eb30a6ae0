"""What a child process does, by the kind of its job."""
