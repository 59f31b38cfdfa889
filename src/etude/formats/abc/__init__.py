"""ABC notation 2.1: reader and writer."""
