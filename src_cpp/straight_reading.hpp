// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// What a network says of a face in a crop as a camera sees it that looks straight at the face.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "landmark_decoder.hpp"
#include "network_reading.hpp"
#include "pose_solver.hpp"
#include "small_algebra.hpp"

namespace face_recon
{

// Homographies (3, 3) of the crop's pixels: to the image, and to the plane at distance 1 before the
// turned camera, y down. calibrated: see PoseQuestion.
struct CropPlace
{
  Matrix3 image_from_crop{};
  Matrix3 plane_from_crop{};
  bool calibrated = true;
};

struct StraightFace
{
  FaceInImage face;
  std::vector<double> coefficients;
};

// Finds the weak perspective in the image from which PoseSolver makes the rotation that it makes
// of the crop.
class StraightReader
{
public:
  // pose: of the landmarks that poses are made of.
  StraightReader(NetworkReader reader, LandmarkDecoder decoder, PoseSolver pose);

  const NetworkReader & reader() const { return reader_; }

  // parameters and points as NetworkReader has them.
  StraightFace read(
    const double * parameters, const double * points, const CropPlace & place) const;

private:
  NetworkReader reader_;
  LandmarkDecoder decoder_;
  PoseSolver pose_;
};

}  // namespace face_recon
