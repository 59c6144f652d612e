"""The rehearsal room: far ends of our own on loopback, and a guard that keeps every packet there."""
