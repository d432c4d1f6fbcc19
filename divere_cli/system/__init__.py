"""What this machine gives: cores, memory, open files, signals."""
