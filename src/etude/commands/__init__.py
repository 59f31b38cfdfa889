"""The verbs of the command line, each a story of named steps."""
