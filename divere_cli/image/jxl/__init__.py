"""JPEG XL: header, reader and writer."""
