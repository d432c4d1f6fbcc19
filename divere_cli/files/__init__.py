"""Files that are complete or absent after a power cut; locks; file stamps."""
