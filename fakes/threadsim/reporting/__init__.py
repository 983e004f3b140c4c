"""Turns a kernel's state into text. It changes nothing, and imports runtime only."""
