"""Models of users and items as vectors in closed form or by Adam."""
