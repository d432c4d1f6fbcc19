"""Exif, XMP and IPTC: read from any input, cleaned, and made ready for the writers."""
