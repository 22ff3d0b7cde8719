"""Faces in 3D from camera images: head pose, landmarks, dense mesh, depth, expression."""

from pkgutil import extend_path

# The generated half of this package (msg/, _renderer) is installed beside these files. Where the
# source tree shadows the installed package (running from the repository root), look there as well.
__path__ = extend_path(__path__, __name__)
