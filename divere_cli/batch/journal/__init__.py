"""The journal of an output folder: what was made from what, one JSON line each."""
