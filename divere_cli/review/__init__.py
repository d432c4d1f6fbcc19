"""The page in the browser: look at a roll, correct its grades, save them as presets."""
