"""What an archive keeps of an output folder: manifests, bags, and whether all is still there."""
