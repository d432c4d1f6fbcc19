"""PNG: header, reader and writer."""
