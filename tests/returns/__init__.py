"""What comes back: messages as mail systems write them, about letters that a desk has sent."""
