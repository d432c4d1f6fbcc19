"""Raw files of cameras: header, and a reader on LibRaw."""
