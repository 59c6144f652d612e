"""A certificate authority of our own, for the tests of signatures."""
