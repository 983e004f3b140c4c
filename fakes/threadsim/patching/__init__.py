"""Puts the primitives in the place of the real ones, and takes them back."""
