"""Long tests: commands killed, files damaged, disks filled, inputs mutated, until the time is over."""
