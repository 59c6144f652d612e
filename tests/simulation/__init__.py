"""A whole office in one thread: time, network, disk and database are played by dice, and one seed is one history."""
