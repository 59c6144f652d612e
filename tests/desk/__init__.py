"""A whole office for tests: real database, real archive, real letters, real far ends on loopback, a clock turned by hand."""
