"""Real receivers: Debian's Postfix and smtp-sink take our letters, and their ledgers are held against our record."""
