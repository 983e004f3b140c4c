"""Runs a program under many schedules."""
