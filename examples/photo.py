#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Faces in a photo: draws them into a copy of it and prints a table.

    python3 examples/photo.py portrait.jpg --mode mesh --out portrait_faces.png
"""

import argparse
import sys
from pathlib import Path

from face_recon_ros import FaceReconError, Faces, Pipeline
from face_recon_ros.io.image_files import read_image, write_image
from face_recon_ros.io.outputs import check_output, identities
from face_recon_ros.rendering import MODES, FaceViews


def table(faces: Faces) -> str:
    """Return one line per face: where it is, and where it points."""
    lines = ['face   x0   y0   x1   y1    yaw  pitch   roll  distance  score']
    for number, face in enumerate(faces, start=1):
        x0, y0, x1, y1 = face.box
        angles = face.angles
        lines.append(
            f'{number:4d} {x0:4.0f} {y0:4.0f} {x1:4.0f} {y1:4.0f} '
            f'{angles.yaw_deg:+6.1f} {angles.pitch_deg:+6.1f} {angles.roll_deg:+6.1f} '
            f'{face.distance_m:7.2f} m {face.score:6.2f}'
        )
    return '\n'.join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Draw the faces of one photo; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').strip().splitlines()[0])
    parser.add_argument('photo', type=Path)
    parser.add_argument('--mode', choices=MODES, default='mesh', help='what is drawn')
    parser.add_argument('--out', type=Path, help='picture to write (PHOTO_faces.png)')
    options = parser.parse_args(arguments)
    out = options.out or Path(f'{options.photo.stem}_faces.png')
    try:
        check_output(out, '--out', identities([options.photo]))
        image = read_image(options.photo)
        pipeline = Pipeline()
        faces = pipeline.detect(image)
        picture = FaceViews(pipeline.model).draw(options.mode, image.copy(), faces)
        write_image(out, picture, mark=True)
    except FaceReconError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    print(table(faces) if faces else 'no face')
    print(f'wrote {out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
