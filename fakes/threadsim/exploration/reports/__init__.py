"""The text of a failure, and whether a program repeats itself."""
