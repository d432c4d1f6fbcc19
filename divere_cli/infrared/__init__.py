"""Dust and scratches that an infrared channel shows: found, and filled in the scan's own codes."""
