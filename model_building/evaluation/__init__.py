# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How accurate what is shipped is, and any other regressor beside it.

    python -m model_building.evaluation COMMAND ...

photos.py: labelled photos; heads.py: rendered heads of known rotation and shape; depth.py: the
same with depth images; crops.py: the training's held-out crops; turns.py: posed people; fit.py:
the face model. errors.py compares with the truth, tables.py prints.
"""
