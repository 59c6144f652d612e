"""The teeth: each fault is seen to fail with its defence taken out."""
