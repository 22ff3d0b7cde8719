"""Faces over time: which face is which, where to look next, and smoothing."""
