"""Run folders: identity, status, lookup, comparison, archive, cleanup."""
