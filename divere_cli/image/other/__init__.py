"""What the first readers do not know, read through tifffile, imagecodecs and imageio."""
