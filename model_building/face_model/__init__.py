"""How models/face_model.npz is made."""
