"""The program as its user sees it: a project folder, the commands, what they print and how they end."""
