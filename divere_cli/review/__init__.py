"""A page in the browser on this machine: look at a roll, mend its grades, write them down."""
