"""Color: a recipe and an output space become a transform of bands."""
