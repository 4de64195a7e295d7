"""Interleave, the Python half: run, summarise, draw."""
