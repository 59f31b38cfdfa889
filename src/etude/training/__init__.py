"""The trainer, exact resume, checkpoints, trackers and the processes that train one model together."""
