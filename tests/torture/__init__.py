"""The torture run: workers are killed, far ends misbehave, and what they truly took is held against our record."""
