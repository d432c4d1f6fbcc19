"""A module that a preload must not import: it starts a thread."""

import threading

threading.Thread(target=threading.Event().wait, daemon=True).start()
