"""Find dust and scratches by an infrared channel, and fill them in the scan's own codes."""
