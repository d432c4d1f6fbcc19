"""JPEG: header, reader and writer."""
