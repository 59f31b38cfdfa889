"""The long test: commands killed, files damaged, disks filled, inputs mutated, until the time is over."""
