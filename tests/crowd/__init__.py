"""The program itself, many times over one database."""
