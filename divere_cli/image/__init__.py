"""Image files: headers without a decoder, readers and writers of bands, metadata, ICC."""
