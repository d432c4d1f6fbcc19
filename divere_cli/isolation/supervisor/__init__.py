"""The parent's side of worker processes: start them, watch them, end them."""
