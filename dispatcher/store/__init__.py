"""The rows: SQLAlchemy Core on SQLite or PostgreSQL. Alone speaks to the database."""
