"""Maps: vectors of users and items laid out in two dimensions, and how far to trust them."""
