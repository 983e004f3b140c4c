"""Turns a kernel's state into text and pictures. It changes nothing and imports runtime only."""
