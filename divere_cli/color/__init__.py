"""Color: a recipe and an output space to a transform, band in, band out."""
