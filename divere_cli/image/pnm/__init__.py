"""Portable pixmaps: PBM, PGM, PPM, PAM and PFM."""
