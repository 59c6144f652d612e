"""What a dispatch is, in words and rules. Standard library only; no file, no network, no clock of its own."""
