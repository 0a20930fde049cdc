"""How much: the wall deadline of a request and what one run may use."""
