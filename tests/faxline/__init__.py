"""The real line: hfaxd, two software modems and the exchange between them, on one machine; see run.py."""
