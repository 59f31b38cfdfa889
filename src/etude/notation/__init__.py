"""Layout for the page: bars, voices, staves, beams, note values."""
