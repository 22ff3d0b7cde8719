"""How models/blendshapes.npz is made: rendered expressions, and a regression learnt from them."""
