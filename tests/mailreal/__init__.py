"""What comes back from Debian's Postfix, and is read out of Debian's Dovecot."""
