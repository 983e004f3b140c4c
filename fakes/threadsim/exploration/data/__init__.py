"""The data that threads share: switch points in named functions."""
