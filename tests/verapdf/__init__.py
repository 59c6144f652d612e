"""veraPDF's own rules, run on finished PDFs. `judge.py` asks, `jvm.py` answers in a process of its own."""
