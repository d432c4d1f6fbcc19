"""Formats that the first readers do not support, through tifffile, imagecodecs and imageio."""
