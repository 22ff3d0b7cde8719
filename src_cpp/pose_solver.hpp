// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// From the 62 parameters of a face to its metric pose: the last step of the way of the data.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "small_algebra.hpp"

namespace face_recon
{

// What most of the errors of a rotation stay within; see confidence.RotationCalibration.
struct RotationCalibration
{
  double uncertainty_unit = 1;
  double least_uncertainty = 0;
  double most_uncertainty = 1;
  Vector3 exponents{};
  // No deviation is larger, of roll, pitch, yaw.
  Vector3 largest_deg{};
  // Azimuths in the middle of each band, growing, and the deviations there, of roll, pitch, yaw.
  std::vector<double> azimuth_deg;
  std::vector<Vector3> sigma_deg;

  // About the face's x, y, z, radians, of a face turned so far to a side.
  Vector3 sigma_rad(double azimuth_rad, double uncertainty) const;
};

struct PinholeLens
{
  double fx = 1;
  double fy = 1;
  double cx = 0;
  double cy = 0;
  double skew = 0;

  // The unit vector, optical frame, in which a pixel looks.
  Vector3 direction(double x_px, double y_px) const;
};

enum class PoseFault
{
  kNone,
  kNotFinite,
  kAroundCamera,
  kOnePlace,
  kOneLine,
};

// What is known of the face and the camera beside the parameters; see confidence.pose_covariance.
struct PoseQuestion
{
  // Row by row (3, 4), and all coefficients.
  std::array<double, 12> camera_matrix{};
  const double * coefficients = nullptr;
  PinholeLens lens;
  // Unit vectors of the origin's pixel and the landmarks' (1 + landmarks, 3), of a lens that is
  // no pinhole; null: by `lens`.
  const double * directions = nullptr;
  // Of the camera's centre in its frame.
  Vector3 position_m{};
  bool calibrated = true;
  double head_scale = 1;
  double head_sigma = 0;
  double uncertainty = 0;
};

// Sigma of the landmarks across the ray and of a head's place, relative to its distance, and of
// an assumed focal length, relative to the true one.
struct PoseNoise
{
  double across_ratio = 0;
  double focal_ratio = 0;
};

struct FacePose
{
  // Face frame -> optical frame.
  Matrix3 rotation{};
  Vector3 translation_m{};
  // (6, 6): x, y, z in m^2, rotations about x, y, z in rad^2.
  std::array<double, 36> covariance{};
};

// Weak perspective is lifted to the camera's frame first (Umeyama's similarity on the face's own
// viewing ray, in Horn's form). With a calibrated camera Gauss-Newton steps in full perspective
// follow.
class PoseSolver
{
public:
  // mean (landmarks, 3), basis (landmarks, 3, coefficients), metres, model axes.
  PoseSolver(
    const double * mean, const double * basis, std::size_t landmarks, std::size_t coefficients,
    const PoseNoise & noise);

  std::size_t landmark_count() const { return mean_.size(); }
  std::size_t coefficient_count() const { return coefficients_; }

  // The landmarks in pixels (landmarks, 3), z towards the viewer.
  void project(
    const std::array<double, 12> & camera_matrix, const double * coefficients, double * out) const;

  // Also writes the landmarks in pixels, and in the camera's frame in metres, (landmarks, 3) each.
  PoseFault solve(
    const PoseQuestion & question, const RotationCalibration & calibration, FacePose & pose,
    double * landmarks_px, double * landmarks_m) const;

  // The rotation alone, model axes -> optical frame, by a homography (3, 3) from pixels to the
  // plane at distance 1 before a camera; false where none follows.
  bool rotation_by(
    const Matrix3 & plane_from_px, bool calibrated, const std::array<double, 12> & camera_matrix,
    const double * coefficients, Matrix3 & optical_from_model) const;

private:
  struct Seen;

  std::vector<Vector3> points_of(const double * coefficients) const;
  // Fills points_m, points_px and origin_px.
  void see(
    const std::array<double, 12> & camera_matrix, const double * coefficients, Seen & seen) const;
  PoseFault lift(const Seen & seen, Matrix3 & rotation, Vector3 & origin) const;
  void refine(const Seen & seen, Matrix3 & rotation, Vector3 & origin) const;

  std::vector<Vector3> mean_;
  std::vector<double> basis_;
  std::size_t coefficients_ = 0;
  PoseNoise noise_;
};

}  // namespace face_recon
