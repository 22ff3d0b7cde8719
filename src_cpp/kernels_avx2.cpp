// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "floating_point.hpp"
#include "kernels.hpp"

#if defined(__AVX2__)

#include <limits>

#include "crop_loops.hpp"
#include "decode_loops.hpp"
#include "product_loops.hpp"
#include "rasterise.hpp"
#include "simd_avx2.hpp"
#include "vertex_loops.hpp"

namespace face_recon
{
namespace
{

// Words b | g << 8 | r << 16 of eight pixels to 24 bytes.
void store_bgr(std::uint8_t * bgr, __m256i words)
{
  const __m256i squeeze = _mm256_setr_epi8(
    0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14,
    -1, -1, -1, -1);
  const __m256i halves = _mm256_shuffle_epi8(words, squeeze);
  // Twelve bytes in either half: words 0 1 2 and 4 5 6.
  const __m256i bytes =
    _mm256_permutevar8x32_epi32(halves, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
  _mm_storeu_si128(reinterpret_cast<__m128i *>(bgr), _mm256_castsi256_si128(bytes));
  _mm_storel_epi64(reinterpret_cast<__m128i *>(bgr + 16), _mm256_extracti128_si256(bytes, 1));
}

// Eight pixels as words; reads 4 bytes beyond them.
__m256i load_bgr(const std::uint8_t * bgr)
{
  const __m256i spread = _mm256_setr_epi8(
    0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1, 0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9,
    10, 11, -1);
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i *>(bgr));
  const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i *>(bgr + 12));
  return _mm256_shuffle_epi8(
    _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1), spread);
}

struct Shader
{
  __m256i color[3];  // pairs: the colour in the low half, 255 - it in the high
  __m256i over, under;

  explicit Shader(const ShadeArguments & arguments)
  : over(_mm256_set1_epi16(static_cast<std::int16_t>(arguments.opacity_256))),
    under(_mm256_set1_epi16(static_cast<std::int16_t>(256 - arguments.opacity_256)))
  {
    for (std::size_t c = 0; c < 3; ++c) {
      const std::int32_t value = arguments.color[c];
      color[c] = _mm256_set1_epi32(value | ((255 - value) << 16));
    }
  }

  // lit() for eight pixels, as words.
  __m256i lit_words(__m256i surface) const
  {
    const __m256i stored = _mm256_and_si256(surface, _mm256_set1_epi32(0xffff));
    const __m256i light = _mm256_min_epi32(
      _mm256_max_epi32(
        _mm256_sub_epi32(stored, _mm256_set1_epi32(kLightOffset)), _mm256_setzero_si256()),
      _mm256_set1_epi32(2 * kLightUnit));
    const __m256i plain = _mm256_min_epi32(light, _mm256_set1_epi32(kLightUnit));
    const __m256i excess = _mm256_sub_epi32(light, plain);
    const __m256i pairs = _mm256_or_si256(plain, _mm256_slli_epi32(excess, 16));
    const __m256i half = _mm256_set1_epi32(kLightUnit / 2);
    __m256i channel[3];
    for (int c = 0; c < 3; ++c) {
      channel[c] =
        _mm256_srli_epi32(_mm256_add_epi32(_mm256_madd_epi16(pairs, color[c]), half), kLightBits);
    }
    return _mm256_or_si256(
      channel[0],
      _mm256_or_si256(_mm256_slli_epi32(channel[1], 8), _mm256_slli_epi32(channel[2], 16)));
  }

  // blend() for the bytes of eight words.
  __m256i blended(__m256i below, __m256i above) const
  {
    const __m256i zero = _mm256_setzero_si256();
    const auto half = [&](__m256i b, __m256i a) {
      const __m256i sum =
        _mm256_add_epi16(_mm256_mullo_epi16(b, under), _mm256_mullo_epi16(a, over));
      return _mm256_srli_epi16(_mm256_add_epi16(sum, _mm256_set1_epi16(128)), 8);
    };
    return _mm256_packus_epi16(
      half(_mm256_unpacklo_epi8(below, zero), _mm256_unpacklo_epi8(above, zero)),
      half(_mm256_unpackhi_epi8(below, zero), _mm256_unpackhi_epi8(above, zero)));
  }
};

void shade_row(
  const std::uint32_t * surface, std::uint8_t * bgr, std::size_t count, std::size_t slack,
  const ShadeArguments & arguments)
{
  const Shader shader(arguments);
  const bool opaque = arguments.opacity_256 == 256;
  const auto eight = [&](const std::uint32_t * from, std::uint8_t * to) {
    const __m256i words = Avx2::load(reinterpret_cast<const std::int32_t *>(from));
    if (_mm256_testz_si256(words, words)) {
      return;
    }
    const __m256i empty = _mm256_cmpeq_epi32(words, _mm256_setzero_si256());
    __m256i drawn = shader.lit_words(words);
    if (!opaque || !_mm256_testz_si256(empty, empty)) {
      const __m256i below = load_bgr(to);
      if (!opaque) {
        drawn = shader.blended(below, drawn);
      }
      drawn = _mm256_blendv_epi8(drawn, below, empty);
    }
    store_bgr(to, drawn);
  };
  std::size_t i = 0;
  // load_bgr reads 28 bytes.
  for (; i + kLanes <= count && 3 * (count - i) + slack >= 28; i += kLanes) {
    eight(surface + i, bgr + 3 * i);
  }
  while (i < count) {
    const std::size_t rest = count - i < kLanes ? count - i : kLanes;
    std::uint32_t words[kLanes] = {};
    std::uint8_t pixels[32] = {};
    for (std::size_t k = 0; k < rest; ++k) {
      words[k] = surface[i + k];
    }
    for (std::size_t k = 0; k < 3 * rest; ++k) {
      pixels[k] = bgr[3 * i + k];
    }
    eight(words, pixels);
    for (std::size_t k = 0; k < 3 * rest; ++k) {
      bgr[3 * i + k] = pixels[k];
    }
    i += rest;
  }
}

void depth_row(
  const std::uint32_t * surface, float * depth, std::size_t count, float base, float step)
{
  const float nothing = std::numeric_limits<float>::quiet_NaN();
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const __m256i words = Avx2::load(reinterpret_cast<const std::int32_t *>(surface + i));
    const __m256i empty = _mm256_cmpeq_epi32(words, _mm256_setzero_si256());
    const __m256 key = _mm256_cvtepi32_ps(_mm256_srli_epi32(words, kDepthBits));
    const __m256 metres =
      _mm256_add_ps(_mm256_set1_ps(base), _mm256_mul_ps(_mm256_set1_ps(step), key));
    _mm256_storeu_ps(
      depth + i, _mm256_blendv_ps(metres, _mm256_set1_ps(nothing), _mm256_castsi256_ps(empty)));
  }
  for (; i < count; ++i) {
    const auto key = static_cast<float>(static_cast<std::int32_t>(surface[i] >> kDepthBits));
    depth[i] = surface[i] != 0 ? base + step * key : nothing;
  }
}

// Eight places of a row at once: see SamplePlace.
class SamplePlaces
{
public:
  explicit SamplePlaces(const SampleArguments & a)
  : x_{row(a.x, a.step_x, 0), row(a.x, a.step_x, 2)},
    y_{row(a.y, a.step_y, 0), row(a.y, a.step_y, 2)},
    step_x_(_mm256_set1_epi64x(kEight * a.step_x)),
    step_y_(_mm256_set1_epi64x(kEight * a.step_y)),
    row_bytes_(_mm256_set1_epi32(static_cast<std::int32_t>(a.row_bytes))),
    inner_width_(_mm256_set1_epi32(a.width > 2 ? a.width - 2 : 0)),
    inner_height_(_mm256_set1_epi32(a.height > 1 ? a.height - 1 : 0))
  {
  }

  // Whether all may be read as sample_places() says; then `offsets` in bytes from the image's first
  // and the weights, in pairs, of the upper and the lower two pixels.
  bool are_inside()
  {
    const __m256i x = whole(x_);
    const __m256i y = whole(y_);
    const __m256i none = _mm256_set1_epi32(-1);
    const __m256i inside = _mm256_and_si256(
      _mm256_and_si256(_mm256_cmpgt_epi32(x, none), _mm256_cmpgt_epi32(inner_width_, x)),
      _mm256_and_si256(_mm256_cmpgt_epi32(y, none), _mm256_cmpgt_epi32(inner_height_, y)));
    if (_mm256_movemask_epi8(inside) != -1) {
      return false;
    }
    const __m256i right = fraction(x_);
    const __m256i down = fraction(y_);
    const __m256i one = _mm256_set1_epi32(kWeightOne);
    const __m256i sides =
      _mm256_or_si256(_mm256_sub_epi32(one, right), _mm256_slli_epi32(right, 16));
    const __m256i columns = _mm256_add_epi32(x, _mm256_add_epi32(x, x));
    Avx2::store(offsets, _mm256_add_epi32(_mm256_mullo_epi32(y, row_bytes_), columns));
    Avx2::store(above, _mm256_mullo_epi32(_mm256_sub_epi32(one, down), sides));
    Avx2::store(below, _mm256_mullo_epi32(down, sides));
    return true;
  }

  void go_on()
  {
    for (std::size_t k = 0; k < 2; ++k) {
      x_[k] = _mm256_add_epi64(x_[k], step_x_);
      y_[k] = _mm256_add_epi64(y_[k], step_y_);
    }
  }

  static constexpr std::int64_t kEight = 8;
  std::int32_t offsets[kEight];
  std::int32_t above[kEight];
  std::int32_t below[kEight];

private:
  // Four of eight, so that shuffles within halves make one row of both.
  static __m256i row(std::int64_t from, std::int64_t step, std::int64_t first)
  {
    return _mm256_setr_epi64x(
      from + first * step, from + (first + 1) * step, from + (first + 4) * step,
      from + (first + 5) * step);
  }
  static __m256i words(const __m256i (&places)[2], bool high)
  {
    const __m256 a = _mm256_castsi256_ps(places[0]);
    const __m256 b = _mm256_castsi256_ps(places[1]);
    return _mm256_castps_si256(
      high ? _mm256_shuffle_ps(a, b, 0xdd) : _mm256_shuffle_ps(a, b, 0x88));
  }
  static __m256i whole(const __m256i (&places)[2]) { return words(places, true); }
  static __m256i fraction(const __m256i (&places)[2])
  {
    return _mm256_srli_epi32(words(places, false), kPlaceBits - kWeightBits);
  }

  __m256i x_[2];
  __m256i y_[2];
  __m256i step_x_, step_y_;
  __m256i row_bytes_, inner_width_, inner_height_;
};

// As sample_row, a pixel's three channels at once.
void sample_row_avx2(const SampleArguments & a)
{
  constexpr std::size_t kEight = SamplePlaces::kEight;
  const std::int64_t extent = (a.row_bytes < 0 ? -a.row_bytes : a.row_bytes) * a.height;
  if (extent > INT32_MAX) {
    sample_row(a);
    return;
  }
  // Of two neighbours' bytes: red, green, blue of both, as pairs of 16 bits.
  const __m128i pairs = _mm_setr_epi8(2, -1, 5, -1, 1, -1, 4, -1, 0, -1, 3, -1, -1, -1, -1, -1);
  const auto two = [&](const std::uint8_t * bytes) {
    return _mm_shuffle_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(bytes)), pairs);
  };
  SamplePlaces places(a);
  SampleArguments rest = a;
  for (std::size_t i = 0; i < a.count; i += kEight, places.go_on()) {
    rest.count = a.count - i < kEight ? a.count - i : kEight;
    if (rest.count < kEight || !places.are_inside()) {
      const auto steps = static_cast<std::int64_t>(i);
      rest.x = a.x + steps * a.step_x;
      rest.y = a.y + steps * a.step_y;
      rest.out = a.out + 3 * i;
      sample_row(rest);
      continue;
    }
    for (std::size_t k = 0; k < kEight; ++k) {
      const std::uint8_t * upper = a.image + places.offsets[k];
      const __m128i sum = _mm_add_epi32(
        _mm_madd_epi16(two(upper), _mm_set1_epi32(places.above[k])),
        _mm_madd_epi16(two(upper + a.row_bytes), _mm_set1_epi32(places.below[k])));
      _mm_storeu_ps(a.out + 3 * (i + k), _mm_cvtepi32_ps(sum));
    }
  }
}

constexpr Kernels kKernels{
  "avx2",        VertexLoops<Avx2>::bounds, VertexLoops<Avx2>::place, rasterise<Avx2>, shade_row,
  depth_row,     DecodeLoops<Avx2>::decode, sample_row_avx2,          blur_row,        mix_rows,
  products<Avx2>};

}  // namespace

const Kernels * avx2_kernels() { return __builtin_cpu_supports("avx2") ? &kKernels : nullptr; }

}  // namespace face_recon

#else

namespace face_recon
{
const Kernels * avx2_kernels() { return nullptr; }
}  // namespace face_recon

#endif
