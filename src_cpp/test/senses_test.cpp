// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Tests and fuzzes depth and eyes without Python; run.sh builds it, with sanitizers too.
//
//   senses_test [rounds of fuzzing] [seed]
//
// A ball before a wall is found at its distance. Every round a face of any size is aligned with a
// depth image of any layout - ordinary, empty, NaN, of another place - in arrays of exactly the
// right size: a pose with a proper rotation comes out, or a refusal. Eyes are read and looked with:
// a direction of unit length, or none.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "../depth_alignment.hpp"
#include "../depth_surface.hpp"
#include "../eyes.hpp"
#include "../skin.hpp"
#include "fuzzing.hpp"

namespace
{

using face_recon::DepthUnit;
using face_recon::DepthView;
using face_recon::dot;
using face_recon::Matrix3;
using face_recon::Outcome;
using face_recon::Vector3;
using face_recon::operator*;
using face_recon::operator+;
using face_recon::operator-;
using face_recon_test::anything;
using face_recon_test::check;
using face_recon_test::distance_from_rotation;
using face_recon_test::finite;
using face_recon_test::Random;
using face_recon_test::Rounds;

// A pinhole camera without distortion.
constexpr std::ptrdiff_t kWidth = 160, kHeight = 120;
constexpr double kFocalLength = 150.0;
constexpr double kBallRadius = 0.09;
constexpr double kWallBehind = 1.5;
constexpr std::size_t kRings = 9, kOnRing = 24, kModes = 4;

Vector3 ray_of(double x_px, double y_px)
{
  return {(x_px - kWidth / 2.0) / kFocalLength, (y_px - kHeight / 2.0) / kFocalLength, 1.0};
}

// A depth image of its own memory: of exactly its size, its rows perhaps apart or upside down.
class DepthImage
{
public:
  DepthImage(std::ptrdiff_t width, std::ptrdiff_t height, DepthUnit unit, bool reversed)
  : unit_(unit), values_(static_cast<std::size_t>(width * height) * size())
  {
    const auto step = static_cast<std::ptrdiff_t>(size());
    view_.values = values_.data() + (reversed ? (width * height - width) * step : 0);
    view_.unit = unit;
    view_.width = width;
    view_.height = height;
    view_.row_stride = (reversed ? -width : width) * step;
    view_.column_stride = step;
  }

  const DepthView & view() const { return view_; }

  void set(std::ptrdiff_t x, std::ptrdiff_t y, double metres)
  {
    auto * const place =
      const_cast<unsigned char *>(view_.values) + y * view_.row_stride + x * view_.column_stride;
    if (unit_ == DepthUnit::kMillimetres16) {
      const double rounded = std::round(1000 * metres);
      const auto value =
        static_cast<std::uint16_t>(rounded >= 0 && rounded < 65536 ? rounded : 65535);
      std::memcpy(place, &value, sizeof value);
    } else if (unit_ == DepthUnit::kMetres32) {
      const auto value = static_cast<float>(metres);
      std::memcpy(place, &value, sizeof value);
    } else {
      std::memcpy(place, &metres, sizeof metres);
    }
  }

private:
  std::size_t size() const
  {
    return unit_ == DepthUnit::kMillimetres16 ? 2 : unit_ == DepthUnit::kMetres32 ? 4 : 8;
  }

  DepthUnit unit_;
  std::vector<unsigned char> values_;
  DepthView view_{};
};

// Depth along the optical axis of a ball at a place, before a wall.
double ball_depth(const Vector3 & ray, const Vector3 & centre_m, double radius_m)
{
  const double a = dot(ray, ray), b = dot(ray, centre_m);
  const double c = dot(centre_m, centre_m) - radius_m * radius_m;
  const double root = b * b - a * c;
  return root > 0 ? (b - std::sqrt(root)) / a : centre_m[2] + kWallBehind;
}

// The half of a ball that looks to the camera, as a face's skin: in the axes of the camera.
struct Ball
{
  std::vector<double> points, normals, pixels, rays, offsets;
  std::vector<float> moves;

  Ball(const Vector3 & seen_at_m, double scale)
  {
    for (std::size_t ring = 0; ring < kRings; ++ring) {
      const double tilt = 0.12 * static_cast<double>(ring + 1);
      for (std::size_t n = 0; n < kOnRing; ++n) {
        const double around = 0.2617993877991494 * static_cast<double>(n);
        const Vector3 normal = {
          std::sin(tilt) * std::cos(around), std::sin(tilt) * std::sin(around), -std::cos(tilt)};
        const Vector3 at = seen_at_m + scale * kBallRadius * normal;
        const double x = kWidth / 2.0 + kFocalLength * at[0] / at[2];
        const double y = kHeight / 2.0 + kFocalLength * at[1] / at[2];
        const Vector3 ray = ray_of(x, y);
        for (std::size_t i = 0; i < 3; ++i) {
          points.push_back(kBallRadius * normal[i]);
          normals.push_back(normal[i]);
          rays.push_back(ray[i]);
        }
        pixels.insert(pixels.end(), {x, y});
      }
    }
    offsets.assign(points.size() / 3, 0.0);
    moves.assign(points.size() / 3 * kModes, 0.0F);
  }

  face_recon::SeenFace seen(const Vector3 & translation_m, double scale) const
  {
    face_recon::SeenFace face;
    face.count = offsets.size();
    face.points_m = points.data();
    face.normals = normals.data();
    face.pixels = pixels.data();
    face.rays = rays.data();
    face.rotation = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    face.translation_m = translation_m;
    face.head_scale = scale;
    face.rotation_covariance = {1e-3, 0, 0, 0, 1e-3, 0, 0, 0, 1e-3};
    face.focal_length_px = kFocalLength;
    face.modes = kModes;
    face.moves_m = moves.data();
    face.offsets_m = offsets.data();
    return face;
  }
};

// One that looks alike is guessed at another distance, and found where it is, with its size.
void finds_a_ball(Random & random, const std::string & name)
{
  const Vector3 centre = {
    random.real(-0.05, 0.05), random.real(-0.05, 0.05), random.real(0.5, 0.7)};
  const double wrong = random.real(0.7, 1.4);
  const auto unit = static_cast<DepthUnit>(random.integer<int>(0, 2));
  DepthImage depth(kWidth, kHeight, unit, random.chance(0.5));
  for (std::ptrdiff_t y = 0; y < kHeight; ++y) {
    for (std::ptrdiff_t x = 0; x < kWidth; ++x) {
      const Vector3 ray = ray_of(static_cast<double>(x), static_cast<double>(y));
      depth.set(x, y, ball_depth(ray, centre, kBallRadius));
    }
  }
  const Ball ball(wrong * centre, wrong);
  const face_recon::Alignment found =
    face_recon::align(ball.seen(wrong * centre, wrong), depth.view());
  check(found.outcome == Outcome::kAligned, name + ": a ball is aligned");
  const double distance = std::sqrt(dot(centre, centre));
  const double off = std::sqrt(dot(found.translation_m - centre, found.translation_m - centre));
  // depth_at() means four pixels around half a pixel beside
  check(off < 0.02 * distance, name + ": the ball is found at its place");
  check(std::fabs(found.head_scale - 1) < 0.05, name + ": the ball has its size");
  check(found.scale_sigma > 0 && found.scale_sigma < 0.2, name + ": the size has a sigma");
  std::vector<double> at(ball.offsets.size());
  for (std::size_t n = 0; n < at.size(); ++n) {
    at[n] = face_recon::depth_at(depth.view(), ball.pixels[2 * n], ball.pixels[2 * n + 1]);
  }
  const face_recon::MeasuredPoints measured = {at.size(), ball.rays.data(), at.data()};
  const face_recon::AlignedFace face = {
    ball.points.data(), ball.normals.data(), found.rotation, found.translation_m[2],
    found.head_scale};
  check(!face_recon::is_flat(face, measured), name + ": a ball is not flat");
}

void fuzz_depth_at(Random & random, const std::string & name)
{
  const auto width = random.integer<std::ptrdiff_t>(0, 9);
  const auto height = random.integer<std::ptrdiff_t>(0, 9);
  const auto unit = static_cast<DepthUnit>(random.integer<int>(0, 2));
  DepthImage depth(width, height, unit, height > 0 && random.chance(0.5));
  for (std::ptrdiff_t n = 0; n < width * height; ++n) {
    depth.set(n % width, n / width, anything(random, 0.5, 0.505));
  }
  for (int n = 0; n < 20; ++n) {
    const double x = anything(random, -2, 11), y = anything(random, -2, 11);
    const double metres = face_recon::depth_at(depth.view(), x, y);
    const bool inside = x >= 0 && y >= 0 && x < static_cast<double>(width - 1) &&
                        y < static_cast<double>(height - 1);
    check(std::isnan(metres) || (inside && metres > 0), name + ": depth is of the image, or none");
  }
}

// Any face, any depth image, with holes.
void fuzz_alignment(Random & random, const std::string & name)
{
  const Vector3 centre = {
    anything(random, -0.2, 0.2), anything(random, -0.2, 0.2), anything(random, 0.3, 3)};
  const double scale = anything(random, 0.5, 2);
  Ball ball(centre, scale);
  for (auto * const numbers :
       {&ball.points, &ball.normals, &ball.pixels, &ball.rays, &ball.offsets}) {
    for (double & value : *numbers) {
      value = anything(random, value, value);
    }
  }
  for (float & value : ball.moves) {
    value = static_cast<float>(random.real(-0.01, 0.01));
  }
  const auto width = random.integer<std::ptrdiff_t>(1, 2 * kWidth);
  const auto height = random.integer<std::ptrdiff_t>(1, 2 * kHeight);
  const auto unit = static_cast<DepthUnit>(random.integer<int>(0, 2));
  DepthImage depth(width, height, unit, random.chance(0.5));
  const Vector3 real = centre + Vector3{0, 0, random.real(-0.2, 0.2)};
  const double holes = random.chance(0.5) ? 0 : random.real(0.0, 1.0);
  for (std::ptrdiff_t y = 0; y < height; ++y) {
    for (std::ptrdiff_t x = 0; x < width; ++x) {
      const Vector3 ray = ray_of(static_cast<double>(x), static_cast<double>(y));
      const double metres = ball_depth(ray, real, kBallRadius);
      depth.set(x, y, random.chance(holes) ? 0 : anything(random, metres, metres));
    }
  }
  face_recon::SeenFace face = ball.seen(centre, scale);
  const Vector3 turn = {random.real(-1.0, 1.0), random.real(-1.0, 1.0), random.real(-1.0, 1.0)};
  if (random.chance(0.5)) {
    face.rotation = face_recon::rotation_of(turn);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    face.rotation_covariance[4 * i] = anything(random, 1e-5, 1e-2);
  }
  face.focal_length_px = anything(random, 100, 1000);
  face.modes = random.integer<std::size_t>(0, kModes);
  face.noise_factor = random.real(0.1, 3.0);
  const face_recon::Alignment found = face_recon::align(face, depth.view());
  if (found.outcome == Outcome::kAligned && !found.turned) {
    check(distance_from_rotation(found.rotation) < 1e-6, name + ": an aligned rotation is one");
    check(finite(found.translation_m), name + ": an aligned place is finite");
    check(finite(found.covariance), name + ": an aligned covariance is finite");
  }
  std::vector<double> at(face.count);
  for (std::size_t n = 0; n < face.count; ++n) {
    at[n] = face_recon::depth_at(depth.view(), ball.pixels[2 * n], ball.pixels[2 * n + 1]);
  }
  const face_recon::MeasuredPoints measured = {face.count, ball.rays.data(), at.data()};
  face_recon::is_flat(
    {ball.points.data(), ball.normals.data(), face.rotation, centre[2], scale}, measured);
  const std::size_t around = random.integer<std::size_t>(0, face.count);
  face_recon::stands_out(measured, depth.view(), around, ball.pixels.data(), ball.rays.data());
  if (const std::size_t count = found.relief_vector.size(); count > 0) {
    check(found.relief_information.size() == count * count, name + ": equations are square");
    face_recon::skin_size(
      found.relief_information.data(), found.relief_vector.data(), count, random.real(-0.1, 0.1),
      0.02);
  }
}

void fuzz_skin(Random & random, const std::string & name)
{
  const auto count = random.integer<std::size_t>(1, 40);
  const auto shapes = random.integer<std::size_t>(0, 5);
  const auto expressions = random.integer<std::size_t>(0, 5);
  std::vector<double> mean(3 * count), normals(mean.size());
  std::vector<float> basis(3 * count * (shapes + expressions));
  std::vector<double> fitted_shape(shapes), shape(shapes), expression(expressions);
  for (auto * const numbers : {&mean, &normals, &fitted_shape, &shape, &expression}) {
    for (double & value : *numbers) {
      value = random.real(-1.0, 1.0);
    }
  }
  for (float & value : basis) {
    value = random.real(-0.1F, 0.1F);
  }
  const face_recon::Skin skin(
    mean.data(), normals.data(), basis.data(), count, shapes, expressions);
  std::vector<double> fitted(3 * count), other(3 * count), offsets(count);
  skin.place(
    fitted_shape.data(), shape.data(), expression.data(), fitted.data(), other.data(),
    offsets.data());
  for (std::size_t i = 0; i < fitted.size(); ++i) {
    double expected = mean[i];
    for (std::size_t k = 0; k < shapes; ++k) {
      expected += fitted_shape[k] * static_cast<double>(basis[k * 3 * count + i]);
    }
    for (std::size_t k = 0; k < expressions; ++k) {
      expected += expression[k] * static_cast<double>(basis[(shapes + k) * 3 * count + i]);
    }
    check(std::fabs(fitted[i] - expected) < 1e-5, name + ": skin is the mean and what moves it");
  }
  check(count == 1 || finite(offsets), name + ": skin lies somewhere");
}

// What a network says of an eye, and the same of the eye in the mirror.
void fuzz_eye(Random & random, const std::string & name)
{
  std::vector<float> outputs(face_recon::kEyeOutputs);
  for (float & value : outputs) {
    value = static_cast<float>(anything(random, 0, 60));
  }
  const double size = random.real(0.1, 4.0), roll = random.real(-3.2, 3.2);
  const double side = random.chance(0.5) ? 1 : -1;
  const std::array<double, 6> image_from_crop = {
    side * size * std::cos(roll), -size * std::sin(roll), random.real(-50.0, 700.0),
    side * size * std::sin(roll), size * std::cos(roll),  random.real(-50.0, 700.0)};
  const face_recon::Vector2 head = {random.real(-1.0, 1.0), random.real(-1.0, 1.0)};
  const face_recon::OpennessScale scale = {0.05, 0.4, random.real(0.0, 40.0)};
  const auto eye = face_recon::read_eye(outputs.data(), image_from_crop, head, scale);
  check(
    std::isnan(eye.openness) || (eye.openness >= 0 && eye.openness <= 1),
    name + ": an eye is open to a part");
  auto mirror = image_from_crop;
  for (std::size_t i = 0; i < 3; ++i) {
    mirror[i] = -mirror[i];
  }
  const auto other = face_recon::read_eye(outputs.data(), mirror, {-head[0], head[1]}, scale);
  if (finite(outputs) && finite(eye.turn)) {
    // float32 outputs as large as 1e38 lose what is added to them
    const double tolerance = 1e-9 * (1 + std::hypot(eye.turn[0], eye.turn[1]));
    check(
      std::fabs(other.turn[0] + eye.turn[0]) <= tolerance &&
        std::fabs(other.turn[1] - eye.turn[1]) <= tolerance,
      name + ": an eye in the mirror looks to the other side");
  }
}

void fuzz_gaze(Random & random, const std::string & name)
{
  const Matrix3 ahead = {0, 1, 0, 0, 0, -1, -1, 0, 0};
  face_recon::SeenEyes eyes;
  const Vector3 turn = {random.real(-0.6, 0.6), random.real(-0.6, 0.6), random.real(-0.6, 0.6)};
  eyes.rotation = face_recon::rotation_of(turn) * ahead;
  const Vector3 at = {random.real(-1.0, 1.0), random.real(-1.0, 1.0), random.real(0.3, 5.0)};
  bool ordinary = true;
  const auto odd = [&](double low, double high) {
    const double value = anything(random, low, high);
    ordinary = ordinary && value >= low && value <= high;
    return value;
  };
  for (std::size_t side = 0; side < 2; ++side) {
    eyes.turns[side] = {odd(-0.6, 0.6), odd(-0.6, 0.6)};
    eyes.width_px[side] = odd(1, 100);
    eyes.openness[side] = odd(0, 1);
    for (std::size_t corner = 0; corner < 2; ++corner) {
      const double across = (side == 0 ? -1 : 1) * (corner == 0 ? 0.016 : 0.045);
      eyes.corners_m[side][corner] = at + eyes.rotation * Vector3{odd(0, 0), across, odd(0, 0)};
    }
  }
  for (std::size_t i = 0; i < 3; ++i) {
    eyes.rotation_covariance[4 * i] = odd(1e-5, 1e-1);
  }
  eyes.head_scale = odd(0.5, 1.5);
  face_recon::GazeSettings known;
  known.half_width_px = 5;
  known.eye_sigma = 0.08;
  known.noise_width_px = 5;
  known.spread_rad = 0.2;
  known.tilt_rad = random.real(-0.3, 0.3);
  known.least_width_px = 10;
  known.least_openness = 0.2;
  known.full_openness = 0.5;
  known.least_width_ratio = 0.3;
  known.eye_width_m = 0.029;
  known.most_sine = 0.95;
  const face_recon::SeenGaze gaze = face_recon::gaze_of(eyes, known);
  if (ordinary && (gaze.measured[0] || gaze.measured[1])) {
    check(
      std::fabs(dot(gaze.direction, gaze.direction) - 1) < 1e-9,
      name + ": a gaze has unit length");
    check(gaze.variance > 0 && gaze.variance < 1, name + ": a gaze has a variance");
  }
  const face_recon::Vector2 sines = face_recon::sines_seen(gaze.direction, at);
  check(
    !ordinary || std::hypot(sines[0], sines[1]) < 1 + 1e-9, name + ": sines are those of angles");
}

}  // namespace

int main(int count, char ** arguments)
{
  const Rounds rounds(count, arguments);
  return rounds.run([](Random & random, const std::string & name) {
    finds_a_ball(random, name);
    fuzz_depth_at(random, name);
    fuzz_alignment(random, name);
    fuzz_skin(random, name);
    fuzz_eye(random, name);
    fuzz_gaze(random, name);
  });
}
