# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Errors a user can do something about; each message is one line: what, why, remedy."""


class FaceReconError(Exception):
    """Base of all errors that are the input's or the configuration's, not the program's."""


class ModelFileError(FaceReconError):
    """A model file is missing, unreadable or of the wrong kind."""


class ImageError(FaceReconError):
    """An image or video is missing, unreadable or of the wrong kind."""


class OutputError(ImageError):
    """A file cannot be written, or must not be: it is an input, or not of this program."""


class CalibrationError(FaceReconError, ValueError):
    """A camera calibration cannot be used."""


class GeometryError(FaceReconError, ValueError):
    """Points or pixels from which no pose follows."""


class SettingsError(FaceReconError, ValueError):
    """A setting has a value that cannot be used."""


class ArgumentError(FaceReconError, ValueError):
    """An argument of a call cannot be used."""
