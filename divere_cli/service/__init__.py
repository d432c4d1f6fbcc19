"""``divere watch``: the same batch in a loop that looks after a folder for months."""
