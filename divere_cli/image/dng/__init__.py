"""Linear DNG: demosaiced raw, which is TIFF with a black and a white of its own."""
