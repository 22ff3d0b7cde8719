// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Eight lanes in two NEON registers (AArch64); see simd_portable.hpp for what each operation means.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace face_recon
{
namespace
{

struct Neon
{
  struct Int
  {
    int32x4_t low, high;
  };
  struct Float
  {
    float32x4_t low, high;
  };

  template <typename Operation>
  static Int ints(const Int & a, Operation operation)
  {
    return {operation(a.low), operation(a.high)};
  }
  template <typename Operation>
  static Int ints(const Int & a, const Int & b, Operation operation)
  {
    return {operation(a.low, b.low), operation(a.high, b.high)};
  }
  template <typename Operation>
  static Float floats(const Float & a, const Float & b, Operation operation)
  {
    return {operation(a.low, b.low), operation(a.high, b.high)};
  }
  template <typename Operation>
  static Int pairs(const Int & a, const Int & b, Operation operation)
  {
    return ints(a, b, [&](int32x4_t p, int32x4_t q) {
      return vreinterpretq_s32_s16(operation(vreinterpretq_s16_s32(p), vreinterpretq_s16_s32(q)));
    });
  }

  static Int load(const std::int32_t * from) { return {vld1q_s32(from), vld1q_s32(from + 4)}; }
  static void store(std::int32_t * to, const Int & a)
  {
    vst1q_s32(to, a.low);
    vst1q_s32(to + 4, a.high);
  }
  static Int load_halves(const std::int32_t * low, const std::int32_t * high)
  {
    return {vld1q_s32(low), vld1q_s32(high)};
  }
  static void store_halves(std::int32_t * low, std::int32_t * high, const Int & a)
  {
    vst1q_s32(low, a.low);
    vst1q_s32(high, a.high);
  }
  static Int set(std::int32_t value) { return {vdupq_n_s32(value), vdupq_n_s32(value)}; }
  static Int iota()
  {
    static const std::int32_t kLane[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    return load(kLane);
  }
  static Int add(const Int & a, const Int & b)
  {
    return {vaddq_s32(a.low, b.low), vaddq_s32(a.high, b.high)};
  }
  static Int sub(const Int & a, const Int & b)
  {
    return {vsubq_s32(a.low, b.low), vsubq_s32(a.high, b.high)};
  }
  static Int mul(const Int & a, const Int & b)
  {
    return {vmulq_s32(a.low, b.low), vmulq_s32(a.high, b.high)};
  }
  static Int bit_and(const Int & a, const Int & b)
  {
    return {vandq_s32(a.low, b.low), vandq_s32(a.high, b.high)};
  }
  static Int bit_or(const Int & a, const Int & b)
  {
    return {vorrq_s32(a.low, b.low), vorrq_s32(a.high, b.high)};
  }
  static Int and_not(const Int & a, const Int & b)
  {
    return {vbicq_s32(b.low, a.low), vbicq_s32(b.high, a.high)};
  }
  template <int Count>
  static Int shift_left(const Int & a)
  {
    return {vshlq_n_s32(a.low, Count), vshlq_n_s32(a.high, Count)};
  }
  template <int Count>
  static Int shift_right(const Int & a)
  {
    return {vshrq_n_s32(a.low, Count), vshrq_n_s32(a.high, Count)};
  }
  template <int Count>
  static Int shift_right_unsigned(const Int & a)
  {
    return ints(a, [](int32x4_t p) {
      return vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(p), Count));
    });
  }
  static Int greater(const Int & a, const Int & b)
  {
    return ints(
      a, b, [](int32x4_t p, int32x4_t q) { return vreinterpretq_s32_u32(vcgtq_s32(p, q)); });
  }
  static Int equal(const Int & a, const Int & b)
  {
    return ints(
      a, b, [](int32x4_t p, int32x4_t q) { return vreinterpretq_s32_u32(vceqq_s32(p, q)); });
  }
  static Int max_unsigned(const Int & a, const Int & b)
  {
    return ints(a, b, [](int32x4_t p, int32x4_t q) {
      return vreinterpretq_s32_u32(vmaxq_u32(vreinterpretq_u32_s32(p), vreinterpretq_u32_s32(q)));
    });
  }
  static unsigned signs(const Int & a)
  {
    static const std::uint32_t kBit[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    const auto bits = [](int32x4_t p, const std::uint32_t * bit) {
      const uint32x4_t negative = vreinterpretq_u32_s32(vshrq_n_s32(p, 31));
      return vaddvq_u32(vandq_u32(negative, vld1q_u32(bit)));
    };
    return bits(a.low, kBit) | bits(a.high, kBit + 4);
  }
  static Int gather(const std::int32_t * base, const std::int32_t * index)
  {
    const auto four = [&](const std::int32_t * i) {
      int32x4_t result = vdupq_n_s32(base[i[0]]);
      result = vsetq_lane_s32(base[i[1]], result, 1);
      result = vsetq_lane_s32(base[i[2]], result, 2);
      return vsetq_lane_s32(base[i[3]], result, 3);
    };
    return {four(index), four(index + 4)};
  }
  static void store_packed(std::int32_t * to, const Int & a, unsigned mask)
  {
    std::int32_t lane[8];
    store(lane, a);
    for (int i = 0; i < 8; ++i) {
      *to = lane[i];
      to += (mask >> i) & 1U;
    }
  }

  static Int add_pairs(const Int & a, const Int & b)
  {
    return pairs(a, b, [](int16x8_t p, int16x8_t q) { return vaddq_s16(p, q); });
  }
  static Int sub_pairs(const Int & a, const Int & b)
  {
    return pairs(a, b, [](int16x8_t p, int16x8_t q) { return vsubq_s16(p, q); });
  }
  static Int min_pairs(const Int & a, const Int & b)
  {
    return pairs(a, b, [](int16x8_t p, int16x8_t q) { return vminq_s16(p, q); });
  }
  static Int max_pairs(const Int & a, const Int & b)
  {
    return pairs(a, b, [](int16x8_t p, int16x8_t q) { return vmaxq_s16(p, q); });
  }
  template <int Count>
  static Int shift_right_pairs(const Int & a)
  {
    return pairs(a, a, [](int16x8_t p, int16x8_t) { return vshrq_n_s16(p, Count); });
  }
  template <int Count>
  static Int shift_left_pairs(const Int & a)
  {
    return pairs(a, a, [](int16x8_t p, int16x8_t) { return vshlq_n_s16(p, Count); });
  }
  static Int cross_pairs(const Int & a, const Int & b)
  {
    return ints(a, b, [](int32x4_t p, int32x4_t q) {
      const int16x4_t px = vmovn_s32(p), py = vshrn_n_s32(p, 16);
      const int16x4_t qx = vmovn_s32(q), qy = vshrn_n_s32(q, 16);
      return vsubq_s32(vmull_s16(px, qy), vmull_s16(py, qx));
    });
  }
  static Int load_pairs(const std::int16_t * from)
  {
    return {vreinterpretq_s32_s16(vld1q_s16(from)), vreinterpretq_s32_s16(vld1q_s16(from + 8))};
  }
  static Int dot_pairs(const Int & a, const Int & b)
  {
    return ints(a, b, [](int32x4_t p, int32x4_t q) {
      const int16x8_t s = vreinterpretq_s16_s32(p), t = vreinterpretq_s16_s32(q);
      return vpaddq_s32(vmull_s16(vget_low_s16(s), vget_low_s16(t)), vmull_high_s16(s, t));
    });
  }

  static Float load(const float * from) { return {vld1q_f32(from), vld1q_f32(from + 4)}; }
  static void store(float * to, const Float & a)
  {
    vst1q_f32(to, a.low);
    vst1q_f32(to + 4, a.high);
  }
  static Float set(float value) { return {vdupq_n_f32(value), vdupq_n_f32(value)}; }
  static Float add(const Float & a, const Float & b)
  {
    return {vaddq_f32(a.low, b.low), vaddq_f32(a.high, b.high)};
  }
  static Float sub(const Float & a, const Float & b)
  {
    return {vsubq_f32(a.low, b.low), vsubq_f32(a.high, b.high)};
  }
  static Float mul(const Float & a, const Float & b)
  {
    return {vmulq_f32(a.low, b.low), vmulq_f32(a.high, b.high)};
  }
  static Float div(const Float & a, const Float & b)
  {
    return {vdivq_f32(a.low, b.low), vdivq_f32(a.high, b.high)};
  }
  static Float min(const Float & a, const Float & b)
  {
    return floats(
      a, b, [](float32x4_t p, float32x4_t q) { return vbslq_f32(vcltq_f32(p, q), p, q); });
  }
  static Float max(const Float & a, const Float & b)
  {
    return floats(
      a, b, [](float32x4_t p, float32x4_t q) { return vbslq_f32(vcgtq_f32(p, q), p, q); });
  }
  static Float abs(const Float & a) { return {vabsq_f32(a.low), vabsq_f32(a.high)}; }
  static Int less_equal(const Float & a, const Float & b)
  {
    return {
      vreinterpretq_s32_u32(vcleq_f32(a.low, b.low)),
      vreinterpretq_s32_u32(vcleq_f32(a.high, b.high))};
  }
  static Float to_float(const Int & a) { return {vcvtq_f32_s32(a.low), vcvtq_f32_s32(a.high)}; }
  static Int truncate(const Float & a) { return {vcvtq_s32_f32(a.low), vcvtq_s32_f32(a.high)}; }
  static Int to_bits(const Float & a)
  {
    return {vreinterpretq_s32_f32(a.low), vreinterpretq_s32_f32(a.high)};
  }
  static Float from_bits(const Int & a)
  {
    return {vreinterpretq_f32_s32(a.low), vreinterpretq_f32_s32(a.high)};
  }

  static void store_points(float * to, const Float & x, const Float & y, const Float & z)
  {
    vst3q_f32(to, float32x4x3_t{{x.low, y.low, z.low}});
    vst3q_f32(to + 12, float32x4x3_t{{x.high, y.high, z.high}});
  }
  template <bool Beyond>
  static void load_points(
    const float * base, const std::int32_t * offset, Float & x, Float & y, Float & z)
  {
    const auto get = [&](int i) { return point<Beyond>(base + offset[i]); };
    transpose(get, 0, x.low, y.low, z.low);
    transpose(get, 4, x.high, y.high, z.high);
  }
  template <bool Beyond>
  static void load_chords(
    const float * base, const std::int32_t * from, const std::int32_t * to, Float & x, Float & y,
    Float & z)
  {
    const auto get = [&](int i) {
      return vsubq_f32(point<Beyond>(base + to[i]), point<Beyond>(base + from[i]));
    };
    transpose(get, 0, x.low, y.low, z.low);
    transpose(get, 4, x.high, y.high, z.high);
  }

private:
  template <bool Beyond>
  static float32x4_t point(const float * at)
  {
    if (Beyond) {
      return vld1q_f32(at);
    }
    const float padded[4] = {at[0], at[1], at[2], 0.0F};
    return vld1q_f32(padded);
  }

  template <typename Point>
  static void transpose(Point get, int first, float32x4_t & x, float32x4_t & y, float32x4_t & z)
  {
    const float32x4_t p0 = get(first), p1 = get(first + 1);
    const float32x4_t p2 = get(first + 2), p3 = get(first + 3);
    const float32x4_t xz01 = vtrn1q_f32(p0, p1), y01 = vtrn2q_f32(p0, p1);
    const float32x4_t xz23 = vtrn1q_f32(p2, p3), y23 = vtrn2q_f32(p2, p3);
    x = vcombine_f32(vget_low_f32(xz01), vget_low_f32(xz23));
    y = vcombine_f32(vget_low_f32(y01), vget_low_f32(y23));
    z = vcombine_f32(vget_high_f32(xz01), vget_high_f32(xz23));
  }
};

}  // namespace
}  // namespace face_recon
