"""Directories of tags, as TIFF, Exif and camera raw files have them."""
