"""TIFF, BigTIFF and their dialects: header, reader and writer."""
