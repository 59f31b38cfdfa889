"""ABC notation 2.1: reader, writer and repair."""
