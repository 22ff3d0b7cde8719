# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Parameters given at the start that a node does not have: rclpy ignores them without a word."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from rclpy.node import Node

from face_recon_ros.nodes.qos import OVERRIDES

# rclpy declares it where it is known: not Humble's
_OF_SOME_DISTRIBUTIONS = ('start_type_description_service',)
_SIMILAR = 0.75


def say_unknown(node: Node, former: Collection[str] = ()) -> None:
    """
    Log the parameters given to a node at its start that it has not declared.

    Each that is like one of the node's is a warning; all others are one line, for files of
    parameters of all nodes (``/**``) have others' too.

    :param former: former names of parameters, which are known.
    """
    declared = set(node.list_parameters([], 0).names)
    known = declared.union(former, _OF_SOME_DISTRIBUTIONS)
    # rclpy has no public list of them
    given = getattr(node, '_parameter_overrides', {})
    unknown = sorted(n for n in given if n not in known and not n.startswith(f'{OVERRIDES}.'))
    others = []
    for name in unknown:
        meant = difflib.get_close_matches(name, sorted(declared), n=1, cutoff=_SIMILAR)
        if meant:
            node.get_logger().warning(f'no parameter is named {name}: did you mean {meant[0]}?')
        else:
            others.append(name)
    if others:
        node.get_logger().info(
            f'parameters that {node.get_name()} does not have are ignored: {", ".join(others)}'
        )
