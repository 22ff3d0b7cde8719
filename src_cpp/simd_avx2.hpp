// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Eight lanes in AVX2; see simd_portable.hpp for what each operation means.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace face_recon
{
namespace
{

// For each mask, the lanes that are set, first to last, a byte each.
struct PackTable
{
  std::uint64_t order[256];

  constexpr PackTable() : order()
  {
    for (unsigned mask = 0; mask < 256; ++mask) {
      std::uint64_t packed = 0;
      unsigned count = 0;
      for (unsigned lane = 0; lane < 8; ++lane) {
        if ((mask >> lane) & 1U) {
          packed |= std::uint64_t{lane} << (8 * count++);
        }
      }
      order[mask] = packed;
    }
  }
};
constexpr PackTable kPackTable;

struct Avx2
{
  using Int = __m256i;
  using Float = __m256;

  static Int load(const std::int32_t * from)
  {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from));
  }
  static void store(std::int32_t * to, Int a)
  {
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(to), a);
  }
  static Int load_halves(const std::int32_t * low, const std::int32_t * high)
  {
    return _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i *>(low))),
      _mm_loadu_si128(reinterpret_cast<const __m128i *>(high)), 1);
  }
  static void store_halves(std::int32_t * low, std::int32_t * high, Int a)
  {
    _mm_storeu_si128(reinterpret_cast<__m128i *>(low), _mm256_castsi256_si128(a));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(high), _mm256_extracti128_si256(a, 1));
  }
  static Int set(std::int32_t value) { return _mm256_set1_epi32(value); }
  static Int iota() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
  static Int add(Int a, Int b) { return _mm256_add_epi32(a, b); }
  static Int sub(Int a, Int b) { return _mm256_sub_epi32(a, b); }
  static Int mul(Int a, Int b) { return _mm256_mullo_epi32(a, b); }
  static Int bit_and(Int a, Int b) { return _mm256_and_si256(a, b); }
  static Int bit_or(Int a, Int b) { return _mm256_or_si256(a, b); }
  static Int and_not(Int a, Int b) { return _mm256_andnot_si256(a, b); }
  template <int Count>
  static Int shift_left(Int a)
  {
    return _mm256_slli_epi32(a, Count);
  }
  template <int Count>
  static Int shift_right(Int a)
  {
    return _mm256_srai_epi32(a, Count);
  }
  template <int Count>
  static Int shift_right_unsigned(Int a)
  {
    return _mm256_srli_epi32(a, Count);
  }
  static Int greater(Int a, Int b) { return _mm256_cmpgt_epi32(a, b); }
  static Int equal(Int a, Int b) { return _mm256_cmpeq_epi32(a, b); }
  static Int max_unsigned(Int a, Int b) { return _mm256_max_epu32(a, b); }
  static unsigned signs(Int a)
  {
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(a)));
  }
  // Faster than the gather instruction on the processors that have AVX2 but not AVX-512.
  static Int gather(const std::int32_t * base, const std::int32_t * index)
  {
    const auto four = [&](const std::int32_t * i) {
      __m128i result = _mm_cvtsi32_si128(base[i[0]]);
      result = _mm_insert_epi32(result, base[i[1]], 1);
      result = _mm_insert_epi32(result, base[i[2]], 2);
      return _mm_insert_epi32(result, base[i[3]], 3);
    };
    return _mm256_inserti128_si256(_mm256_castsi128_si256(four(index)), four(index + 4), 1);
  }
  static void store_packed(std::int32_t * to, Int a, unsigned mask)
  {
    const __m128i bytes =
      _mm_loadl_epi64(reinterpret_cast<const __m128i *>(&kPackTable.order[mask]));
    store(to, _mm256_permutevar8x32_epi32(a, _mm256_cvtepu8_epi32(bytes)));
  }

  static Int add_pairs(Int a, Int b) { return _mm256_add_epi16(a, b); }
  static Int sub_pairs(Int a, Int b) { return _mm256_sub_epi16(a, b); }
  static Int min_pairs(Int a, Int b) { return _mm256_min_epi16(a, b); }
  static Int max_pairs(Int a, Int b) { return _mm256_max_epi16(a, b); }
  template <int Count>
  static Int shift_right_pairs(Int a)
  {
    return _mm256_srai_epi16(a, Count);
  }
  template <int Count>
  static Int shift_left_pairs(Int a)
  {
    return _mm256_slli_epi16(a, Count);
  }
  static Int cross_pairs(Int a, Int b)
  {
    const Int swapped = _mm256_or_si256(_mm256_slli_epi32(b, 16), _mm256_srli_epi32(b, 16));
    const Int turned = _mm256_sign_epi16(swapped, _mm256_set1_epi32(-65535));  // y, -x
    return _mm256_madd_epi16(a, turned);
  }

  static Int load_pairs(const std::int16_t * from)
  {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from));
  }
  static Int dot_pairs(Int a, Int b) { return _mm256_madd_epi16(a, b); }

  static Float load(const float * from) { return _mm256_loadu_ps(from); }
  static void store(float * to, Float a) { _mm256_storeu_ps(to, a); }
  static Float set(float value) { return _mm256_set1_ps(value); }
  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float sub(Float a, Float b) { return _mm256_sub_ps(a, b); }
  static Float mul(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float div(Float a, Float b) { return _mm256_div_ps(a, b); }
  static Float min(Float a, Float b) { return _mm256_min_ps(a, b); }
  static Float max(Float a, Float b) { return _mm256_max_ps(a, b); }
  static Float abs(Float a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), a); }
  static Int less_equal(Float a, Float b)
  {
    return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_LE_OQ));
  }
  static Float to_float(Int a) { return _mm256_cvtepi32_ps(a); }
  static Int truncate(Float a) { return _mm256_cvttps_epi32(a); }
  static Int to_bits(Float a) { return _mm256_castps_si256(a); }
  static Float from_bits(Int a) { return _mm256_castsi256_ps(a); }

  static void store_points(float * to, Float x, Float y, Float z)
  {
    // x0 y0 x1 y1 | x4 y4 x5 y5 and so on, then six words of a point and a half at a time.
    const Float xy_low = _mm256_unpacklo_ps(x, y);                // x0 y0 x1 y1
    const Float xy_high = _mm256_unpackhi_ps(x, y);               // x2 y2 x3 y3
    const Float z_x = _mm256_shuffle_ps(z, x, 0x50);              // z0 z0 x1 x1
    const Float y_z = _mm256_shuffle_ps(y, z, 0x55);              // y1 y1 z1 z1
    const Float z_x_high = _mm256_shuffle_ps(z, x, 0xfa);         // z2 z2 x3 x3
    const Float y_z_high = _mm256_shuffle_ps(y, z, 0xff);         // y3 y3 z3 z3
    const Float a = _mm256_shuffle_ps(xy_low, z_x, 0x84);         // x0 y0 z0 x1
    const Float b = _mm256_shuffle_ps(y_z, xy_high, 0x48);        // y1 z1 x2 y2
    const Float c = _mm256_shuffle_ps(z_x_high, y_z_high, 0x88);  // z2 x3 y3 z3
    _mm256_storeu_ps(to, _mm256_permute2f128_ps(a, b, 0x20));
    _mm256_storeu_ps(to + 8, _mm256_permute2f128_ps(c, a, 0x30));
    _mm256_storeu_ps(to + 16, _mm256_permute2f128_ps(b, c, 0x31));
  }

  template <bool Beyond>
  static void load_points(
    const float * base, const std::int32_t * offset, Float & x, Float & y, Float & z)
  {
    transpose([&](int i) { return point<Beyond>(base + offset[i]); }, x, y, z);
  }
  template <bool Beyond>
  static void load_chords(
    const float * base, const std::int32_t * from, const std::int32_t * to, Float & x, Float & y,
    Float & z)
  {
    transpose(
      [&](int i) {
        return _mm_sub_ps(point<Beyond>(base + to[i]), point<Beyond>(base + from[i]));
      },
      x, y, z);
  }

private:
  template <bool Beyond>
  static __m128 point(const float * at)
  {
    return Beyond ? _mm_loadu_ps(at) : _mm_setr_ps(at[0], at[1], at[2], 0.0F);
  }

  template <typename Point>
  static void transpose(Point get, Float & x, Float & y, Float & z)
  {
    const auto two_points = [&](int low, int high) {
      return _mm256_insertf128_ps(_mm256_castps128_ps256(get(low)), get(high), 1);
    };
    const Float p04 = two_points(0, 4);
    const Float p15 = two_points(1, 5);
    const Float p26 = two_points(2, 6);
    const Float p37 = two_points(3, 7);
    const Float xy01 = _mm256_unpacklo_ps(p04, p15);
    const Float xy23 = _mm256_unpacklo_ps(p26, p37);
    const Float z01 = _mm256_unpackhi_ps(p04, p15);
    const Float z23 = _mm256_unpackhi_ps(p26, p37);
    x = _mm256_shuffle_ps(xy01, xy23, 0x44);
    y = _mm256_shuffle_ps(xy01, xy23, 0xee);
    z = _mm256_shuffle_ps(z01, z23, 0x44);
  }
};

}  // namespace
}  // namespace face_recon
