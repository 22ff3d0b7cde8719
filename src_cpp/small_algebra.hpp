// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Vectors of 3, matrices and rotations of 3x3, and solvers of a few unknowns; double.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace face_recon
{

using Vector3 = std::array<double, 3>;
// Row by row.
using Matrix3 = std::array<double, 9>;
// N rows of N.
template <std::size_t N>
using Square = std::array<std::array<double, N>, N>;

inline Vector3 operator+(const Vector3 & a, const Vector3 & b)
{
  return {a[0] + b[0], a[1] + b[1], a[2] + b[2]};
}

inline Vector3 operator-(const Vector3 & a, const Vector3 & b)
{
  return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}

inline Vector3 operator*(double factor, const Vector3 & v)
{
  return {factor * v[0], factor * v[1], factor * v[2]};
}

inline double dot(const Vector3 & a, const Vector3 & b)
{
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

inline double norm(const Vector3 & v) { return std::sqrt(dot(v, v)); }

inline Vector3 operator*(const Matrix3 & m, const Vector3 & v)
{
  return {
    m[0] * v[0] + m[1] * v[1] + m[2] * v[2], m[3] * v[0] + m[4] * v[1] + m[5] * v[2],
    m[6] * v[0] + m[7] * v[1] + m[8] * v[2]};
}

inline Matrix3 operator*(const Matrix3 & a, const Matrix3 & b)
{
  Matrix3 product{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      product[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
    }
  }
  return product;
}

inline Matrix3 transposed(const Matrix3 & m)
{
  return {m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]};
}

// By its cofactors; not finite where there is none.
inline Matrix3 inverse(const Matrix3 & m)
{
  const Matrix3 cofactors = {
    m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
    m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
    m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]};
  const double determinant = m[0] * cofactors[0] + m[1] * cofactors[3] + m[2] * cofactors[6];
  Matrix3 result{};
  for (std::size_t i = 0; i < 9; ++i) {
    result[i] = cofactors[i] / determinant;
  }
  return result;
}

// m with m w = v x w.
inline Matrix3 cross_matrix(const Vector3 & v)
{
  return {0, -v[2], v[1], v[2], 0, -v[0], -v[1], v[0], 0};
}

inline Matrix3 diagonal(const Vector3 & v) { return {v[0], 0, 0, 0, v[1], 0, 0, 0, v[2]}; }

// The shortest rotation that takes the z axis to a direction; as rotations.rotation_to.
inline Matrix3 rotation_to(const Vector3 & ray)
{
  const Vector3 unit = (1 / norm(ray)) * ray;
  const double x = unit[0];
  const double y = unit[1];
  const double z = unit[2];
  if (z < -1 + 1e-12) {
    return diagonal({1, -1, -1});  // straight back: any half turn is as short
  }
  // Rodrigues' formula with axis z x ray
  const double away = 1 / (1 + z);
  return {1 - x * x * away, -x * y * away, x, -x * y * away, 1 - y * y * away, y, -x, -y, z};
}

// The rotation by an axis times an angle in radians (Rodrigues).
inline Matrix3 rotation_of(const Vector3 & turn)
{
  const double angle = norm(turn);
  // sin(a) / a and (1 - cos(a)) / a^2
  const double half = 0.5 * angle;
  const double first = angle > 1e-8 ? std::sin(angle) / angle : 1;
  const double sine = angle > 1e-8 ? std::sin(half) / half : 1;
  const double second = 0.5 * sine * sine;
  const double x = turn[0];
  const double y = turn[1];
  const double z = turn[2];
  return {
    1 - second * (y * y + z * z), second * x * y - first * z,   second * x * z + first * y,
    second * x * y + first * z,   1 - second * (x * x + z * z), second * y * z - first * x,
    second * x * z - first * y,   second * y * z + first * x,   1 - second * (x * x + y * y)};
}

// Axis times angle of a half turn, as nearly as the rotation is one.
inline Vector3 half_turn_of(const Matrix3 & rotation)
{
  // (R + I) / 2 is axis times axis
  std::size_t row = 0;
  for (std::size_t k = 1; k < 3; ++k) {
    row = rotation[4 * k] > rotation[4 * row] ? k : row;
  }
  Vector3 axis = {rotation[3 * row], rotation[3 * row + 1], rotation[3 * row + 2]};
  axis[row] += 1;
  return (3.14159265358979323846 / norm(axis)) * axis;
}

// Axis times angle of a rotation, by up to a half turn.
inline Vector3 turn_of(const Matrix3 & rotation)
{
  const Vector3 axis = {
    0.5 * (rotation[7] - rotation[5]), 0.5 * (rotation[2] - rotation[6]),
    0.5 * (rotation[3] - rotation[1])};
  const double sine = norm(axis);
  const double cosine = 0.5 * (rotation[0] + rotation[4] + rotation[8] - 1);
  if (sine > 1e-8) {
    return (std::atan2(sine, cosine) / sine) * axis;
  }
  return cosine < 0 ? half_turn_of(rotation) : axis;
}

// Eigenvalues, largest first, and vectors (rows) of a symmetric matrix, by Jacobi's rotations.
struct Eigen4
{
  std::array<double, 4> values{};
  Square<4> vectors{};
};

inline Eigen4 eigen_of(Square<4> m)
{
  constexpr int kMostSweeps = 30;
  Eigen4 found;
  for (std::size_t i = 0; i < 4; ++i) {
    found.vectors[i][i] = 1;
  }
  for (int sweep = 0; sweep < kMostSweeps; ++sweep) {
    double beside = 0;
    double whole = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = 0; j < 4; ++j) {
        (i == j ? whole : beside) += m[i][j] * m[i][j];
      }
    }
    if (!(beside > 1e-32 * whole)) {
      break;
    }
    for (std::size_t p = 0; p < 3; ++p) {
      for (std::size_t q = p + 1; q < 4; ++q) {
        if (m[p][q] == 0) {
          continue;
        }
        const double ratio = (m[q][q] - m[p][p]) / (2 * m[p][q]);
        const double t = (ratio < 0 ? -1 : 1) / (std::fabs(ratio) + std::hypot(ratio, 1));
        const double c = 1 / std::hypot(t, 1);
        const double s = t * c;
        for (std::size_t k = 0; k < 4; ++k) {
          const double a = m[k][p];
          const double b = m[k][q];
          m[k][p] = c * a - s * b;
          m[k][q] = s * a + c * b;
        }
        for (std::size_t k = 0; k < 4; ++k) {
          const double a = m[p][k];
          const double b = m[q][k];
          m[p][k] = c * a - s * b;
          m[q][k] = s * a + c * b;
          const double u = found.vectors[p][k];
          const double v = found.vectors[q][k];
          found.vectors[p][k] = c * u - s * v;
          found.vectors[q][k] = s * u + c * v;
        }
      }
    }
  }
  for (std::size_t i = 0; i < 4; ++i) {
    found.values[i] = m[i][i];
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const auto from = found.values.begin() + static_cast<std::ptrdiff_t>(i);
    const auto most =
      static_cast<std::size_t>(std::max_element(from, found.values.end()) - found.values.begin());
    std::swap(found.values[i], found.values[most]);
    std::swap(found.vectors[i], found.vectors[most]);
  }
  return found;
}

// Replaces the lower half of a positive definite matrix by that of its Cholesky factor; false
// where it is not positive definite.
template <std::size_t N>
bool factorise(Square<N> & a)
{
  for (std::size_t j = 0; j < N; ++j) {
    for (std::size_t k = 0; k < j; ++k) {
      a[j][j] -= a[j][k] * a[j][k];
    }
    if (!(a[j][j] > 0.0) || !std::isfinite(a[j][j])) {
      return false;
    }
    a[j][j] = std::sqrt(a[j][j]);
    for (std::size_t i = j + 1; i < N; ++i) {
      for (std::size_t k = 0; k < j; ++k) {
        a[i][j] -= a[i][k] * a[j][k];
      }
      a[i][j] /= a[j][j];
    }
  }
  return true;
}

// x of a x = b, of the Cholesky factor of a.
template <std::size_t N>
std::array<double, N> solved(const Square<N> & factor, std::array<double, N> b)
{
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      b[i] -= factor[i][k] * b[k];
    }
    b[i] /= factor[i][i];
  }
  for (std::size_t i = N; i-- > 0;) {
    for (std::size_t k = i + 1; k < N; ++k) {
      b[i] -= factor[k][i] * b[k];
    }
    b[i] /= factor[i][i];
  }
  return b;
}

// The inverse of a, of its Cholesky factor.
template <std::size_t N>
Square<N> inverse(const Square<N> & factor)
{
  Square<N> result{};
  for (std::size_t i = 0; i < N; ++i) {
    std::array<double, N> unit{};
    unit[i] = 1.0;
    result[i] = solved(factor, unit);
  }
  return result;
}

}  // namespace face_recon
