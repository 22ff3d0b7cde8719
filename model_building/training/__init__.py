"""
The network of `models/face_recon.tflite`: its data, training, measuring and export.

    python -m model_building.training.generate   photos -> crops with exact truth
    python -m model_building.training.train      crops -> weights
    python -m model_building.training.export     weights -> models/face_recon.tflite
"""
