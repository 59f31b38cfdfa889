"""Figures and tables of a run or a sweep."""
