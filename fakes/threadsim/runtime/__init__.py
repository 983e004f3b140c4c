"""Runs virtual threads one at a time, in virtual time. It knows no standard-library primitive."""
