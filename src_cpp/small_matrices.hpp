// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Vectors and matrices of three, and positive definite systems of a few unknowns.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

namespace face_recon
{

using Vector = std::array<double, 3>;
using Matrix = std::array<double, 9>;

inline double dot(const Vector & a, const Vector & b)
{
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

inline Vector times(const Matrix & matrix, const Vector & v)
{
  return {
    matrix[0] * v[0] + matrix[1] * v[1] + matrix[2] * v[2],
    matrix[3] * v[0] + matrix[4] * v[1] + matrix[5] * v[2],
    matrix[6] * v[0] + matrix[7] * v[1] + matrix[8] * v[2]};
}

inline Matrix times(const Matrix & a, const Matrix & b)
{
  Matrix product{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      product[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
    }
  }
  return product;
}

inline Matrix transposed(const Matrix & m)
{
  return {m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]};
}

inline Matrix cross_matrix(const Vector & v)
{
  return {0, -v[2], v[1], v[2], 0, -v[0], -v[1], v[0], 0};
}

// Rodrigues' formula.
inline Matrix rotation_matrix(const Vector & turn)
{
  const double square = dot(turn, turn);
  const double angle = std::sqrt(square);
  const bool small = angle < 1e-8;
  const double a = small ? 1.0 : std::sin(angle) / angle;
  const double b = small ? 0.5 : (1.0 - std::cos(angle)) / square;
  const Matrix k = cross_matrix(turn);
  const Matrix kk = times(k, k);
  Matrix matrix{1, 0, 0, 0, 1, 0, 0, 0, 1};
  for (std::size_t i = 0; i < 9; ++i) {
    matrix[i] += a * k[i] + b * kk[i];
  }
  return matrix;
}

// The lower triangle of a positive definite matrix's Cholesky factor; false: it is none.
template <std::size_t N>
bool factorise(std::array<std::array<double, N>, N> & a)
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

template <std::size_t N>
std::array<double, N> solved(
  const std::array<std::array<double, N>, N> & factor, std::array<double, N> b)
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

template <std::size_t N>
std::array<std::array<double, N>, N> inverse(const std::array<std::array<double, N>, N> & factor)
{
  std::array<std::array<double, N>, N> result{};
  for (std::size_t i = 0; i < N; ++i) {
    std::array<double, N> unit{};
    unit[i] = 1.0;
    result[i] = solved(factor, unit);
  }
  return result;
}

}  // namespace face_recon
