"""The resources of this machine: cores, memory, open files, signals."""
