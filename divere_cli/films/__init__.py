"""Film stocks by DX number, and the DX code at the edge of the film."""
