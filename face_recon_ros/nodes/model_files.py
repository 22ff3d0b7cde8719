# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which model files a pipeline uses, for diagnostics: names and digests."""

from __future__ import annotations

import hashlib
from pathlib import Path

from face_recon_ros.detection.loader import BOTH, SHIPPED
from face_recon_ros.paths import model_file
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.pipeline_config import PipelineConfig
from face_recon_ros.regression.loader import regressor_files

# Of a SHA-256: enough to tell files apart by eye
_DIGEST_LENGTH = 16
_PART_BYTES = 1 << 18


def model_names(pipeline: Pipeline) -> dict[str, str]:
    """Return what each model is for, and the name and the digest of its file."""
    files = {
        'face model': pipeline.model.path,
        **regressor_files(pipeline.config.regressor, pipeline.config.regressor_path),
        **_detector_files(pipeline.config),
    }
    return {what: f'{path.name} sha256 {_digest(path)}' for what, path in files.items()}


def _detector_files(config: PipelineConfig) -> dict[str, Path]:
    if config.detector == BOTH:
        return {f'detector {name}': model_file(file) for name, file in SHIPPED.items()}
    shipped = SHIPPED.get(config.detector)
    return {'detector': model_file(shipped) if shipped else Path(config.detector)}


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    # at once it would be the largest thing that a node ever held
    with path.open('rb') as file:
        while part := file.read(_PART_BYTES):
            digest.update(part)
    return digest.hexdigest()[:_DIGEST_LENGTH]
