"""A whole office for tests: real database, archive, letters and far ends, and a clock turned by hand."""
