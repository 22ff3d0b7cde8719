"""Pictures and meshes of faces: the C++ renderer, overlays, exports."""

from face_recon_ros.rendering.renderer import Renderer

__all__ = ['Renderer']
