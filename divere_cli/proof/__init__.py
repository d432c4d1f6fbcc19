"""Proof: one scan under many grades, or a roll, as a sheet with labels."""
