"""Copy and check: recipes of one run, from its validation to its result."""
