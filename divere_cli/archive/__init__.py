"""Manifests, BagIt bags, and checks of an output folder against them."""
