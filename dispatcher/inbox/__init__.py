"""Reads what comes back by mail: one raw message → `domain.incoming.Reading`. It matches and decides nothing."""
