"""One function is one thing that somebody asks for. Every door calls these, and nothing else."""
