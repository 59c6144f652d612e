"""Messages that others publish for their own tests: fetched when the run starts, never kept here."""
