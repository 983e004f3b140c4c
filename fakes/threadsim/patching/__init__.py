"""Puts the primitives in the place of the real ones, and puts the real ones back.

It also refuses what cannot be virtual, and makes ids and orders repeatable.
"""
