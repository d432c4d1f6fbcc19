"""Linear DNG: demosaiced raw, a TIFF with its own black and white levels."""
