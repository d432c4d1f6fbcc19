"""Film stocks by DX number, and the code at a film's edge that names them."""
