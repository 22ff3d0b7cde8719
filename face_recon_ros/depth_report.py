# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What depth did for faces, and in one line what seems to be wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

# A depth image that lies so far beside the faces of the colour image, for so many faces, is not
# registered well: a few pixels are a matter of calibration
SUSPICIOUS_SHIFT_PX, SUSPICIOUS_FACES = 4.0, 30
# Faces of which so few can use their depth say that it is no depth of theirs
LEAST_USED = 0.2


@dataclass(slots=True, frozen=True)
class DepthReport:
    """
    What depth did for faces.

    used: number of faces that were aligned. refusals: why others were not, a line each. Means of
    those that were: valid (0..1, part of the face with a measured depth), residual_m (root mean
    square distance from the measured surface), shift_x_px and shift_y_px (how far the depth image
    seems to lie to the right of the colour image, and below it). late_s: how much older than its
    stamps depth surely is, by the newest faces; 0: it may be in time.
    """

    used: int
    refusals: tuple[str, ...] = ()
    valid: float = 0.0
    residual_m: float = 0.0
    shift_x_px: float = 0.0
    shift_y_px: float = 0.0
    late_s: float = 0.0

    @property
    def faces(self) -> int:
        """Number of faces that looked for their depth."""
        return self.used + len(self.refusals)

    def doubt(self, least_faces: int = SUSPICIOUS_FACES) -> str:
        """
        Return why depth may not be what it should be, one line; '' nothing speaks against it.

        :param least_faces: fewer, none of which used its depth, say nothing
        """
        if self.late_s:
            return (
                f'depth is {1e3 * self.late_s:.0f} ms older than its stamps say: synchronise '
                "depth and colour in the driver; heads that turn fast keep the image's rotation"
            )
        beside_px = max(abs(self.shift_x_px), abs(self.shift_y_px))
        if self.used >= SUSPICIOUS_FACES and beside_px > SUSPICIOUS_SHIFT_PX:
            return (
                f'depth lies {beside_px:.0f} px beside the image: is it registered to it, by the '
                'right calibration?'
            )
        if len(self.refusals) >= least_faces and self.used < LEAST_USED * self.faces:
            return f'depth is hardly used: {self.refusals[-1]}; faces are found without it'
        return ''


def together(reports: Sequence[DepthReport]) -> DepthReport:
    """Return one report on all faces."""
    refusals = tuple(line for report in reports for line in report.refusals)
    used = sum(report.used for report in reports)
    means = [
        sum(getattr(report, name) * report.used for report in reports) / max(used, 1)
        for name in ('valid', 'residual_m', 'shift_x_px', 'shift_y_px')
    ]
    late_s = reports[-1].late_s if reports else 0.0
    return replace(DepthReport(used, refusals, *means), late_s=late_s)
