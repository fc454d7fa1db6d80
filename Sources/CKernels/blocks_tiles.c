// Products of packed blocks with AVX-512 VNNI and with AVX2. All paths agree in every bit: sums of codes are whole numbers,
// and what follows is the same for each row, block after block.
#include "blocks.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")))
#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define INSIDE static inline __attribute__((always_inline))

INSIDE AVX512 void scales_512(const uint8_t *from, int is_wide, __m512 *to) {
    for (int h = 0; h < 2; h++)
        to[h] = is_wide ? _mm512_loadu_ps((const float *)from + 16 * h)
                        : _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from + h));
}

INSIDE AVX512 void dots_512(const int8_t *codes, const int count, const __m512i *words, __m512i *dots) {
    for (int r = 0; r < count; r++) {
        int32_t bytes;
        memcpy(&bytes, codes + 32 * r, 4);
        __m512i four = _mm512_set1_epi32(bytes);
        dots[2 * r] = _mm512_dpbusd_epi32(dots[2 * r], words[0], four);
        dots[2 * r + 1] = _mm512_dpbusd_epi32(dots[2 * r + 1], words[1], four);
    }
}

// A group of inputs times one panel; `count`, `bits` and `minima` are constants where this is inlined.
INSIDE AVX512 void group_512(W w, X x, const uint8_t *panel, size_t row, size_t i, const int count, const int bits,
                             const int minima, float alpha, float beta, float *y) {
    size_t blocks = w->blocks, step = w->is_wide ? 128 : 64;
    const int8_t *codes = x->codes + i * blocks * 32;
    const float *factors = x->scales + i * blocks, *totals = x->sums + i * blocks;
    const int32_t *starts = x->starts + i * blocks;
    __m512 sums[2 * GROUP];
    for (int r = 0; r < 2 * count; r++) sums[r] = _mm512_setzero_ps();
    for (size_t b = 0; b < blocks; b++) {
        __m512i dots[2 * GROUP], words[2];
        for (int r = 0; r < count; r++) dots[2 * r] = dots[2 * r + 1] = _mm512_set1_epi32(starts[r]);
        if (bits == 4) {
            const __m512i low = _mm512_set1_epi8(15);
            for (int g = 0; g < 4; g++, panel += 128) {
                __m512i both[2] = {_mm512_load_si512(panel), _mm512_load_si512(panel + 64)};
                for (int h = 0; h < 2; h++) words[h] = _mm512_and_si512(both[h], low);
                dots_512(codes + 4 * g, count, words, dots);
                for (int h = 0; h < 2; h++) words[h] = _mm512_and_si512(_mm512_srli_epi16(both[h], 4), low);
                dots_512(codes + 4 * g + 16, count, words, dots);
            }
        } else {
            for (int g = 0; g < 8; g++, panel += 128) {
                for (int h = 0; h < 2; h++) words[h] = _mm512_load_si512(panel + 64 * h);
                dots_512(codes + 4 * g, count, words, dots);
            }
        }
        __m512 d[2], m[2];
        scales_512(panel, w->is_wide, d);
        if (minima) scales_512(panel += step, w->is_wide, m);
        panel += step;
        for (int r = 0; r < 2 * count; r++) {
            __m512 factor = _mm512_mul_ps(d[r % 2], _mm512_set1_ps(factors[r / 2]));
            sums[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[r]), factor, sums[r]);
            if (minima) sums[r] = _mm512_fmadd_ps(m[r % 2], _mm512_set1_ps(totals[r / 2]), sums[r]);
        }
        codes += 32 * count, starts += count, factors += count, totals += count;
    }
    for (int h = 0; h < 2 && row + 16 * h < w->rows; h++) {
        size_t lanes = w->rows - row - 16 * h;
        __mmask16 mask = lanes < 16 ? (__mmask16)((1u << lanes) - 1) : 0xFFFF;
        for (int r = 0; r < count; r++) {
            float *to = y + (i + r) * w->rows + row + 16 * h;
            __m512 value = _mm512_mul_ps(_mm512_set1_ps(alpha), sums[2 * r + h]);
            if (beta != 0)
                value = _mm512_fmadd_ps(_mm512_set1_ps(alpha), sums[2 * r + h],
                                        _mm512_mul_ps(_mm512_set1_ps(beta), _mm512_maskz_loadu_ps(mask, to)));
            _mm512_mask_storeu_ps(to, mask, value);
        }
    }
}

INSIDE AVX2 void scales_2(const uint8_t *from, int is_wide, size_t quarter, __m256 *to) {
    *to = is_wide ? _mm256_loadu_ps((const float *)from + 8 * quarter)
                  : _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from + quarter));
}

// Some inputs of a group of `together`, at most four, times one quarter of a panel, eight rows. With `whole`, codes use
// all 8 bits, and products of them do not fit into 16 bits without their sign.
INSIDE AVX2 void quarter_2(W w, X x, const uint8_t *panel, size_t row, size_t quarter, size_t i, size_t inside,
                           size_t together, const int count, const int bits, const int whole, const int minima,
                           float alpha, float beta, float *y) {
    size_t blocks = w->blocks, step = w->is_wide ? 128 : 64, place = i * blocks + inside;
    const int8_t *codes = x->codes + place * 32;
    const float *factors = x->scales + place, *totals = x->sums + place;
    const int32_t *starts = x->starts + place;
    const __m256i low = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1), sign = _mm256_set1_epi8(-128);
    __m256 sums[4];
    for (int r = 0; r < count; r++) sums[r] = _mm256_setzero_ps();
    for (size_t b = 0; b < blocks; b++) {
        __m256i dots[4], pairs[4];
        for (int r = 0; r < count; r++) {
            dots[r] = whole ? _mm256_setzero_si256() : _mm256_set1_epi32(starts[r]);
            pairs[r] = _mm256_setzero_si256();
        }
        for (int g = 0; g < 8; g++) {
            __m256i word = _mm256_load_si256((const __m256i *)(panel + (bits == 4 ? g % 4 : g) * 128 + quarter * 32)), size = word;
            if (bits == 4) word = _mm256_and_si256(g < 4 ? word : _mm256_srli_epi16(word, 4), low);
            if (whole) {
                word = _mm256_xor_si256(word, sign);
                size = _mm256_abs_epi8(word);
            }
            for (int r = 0; r < count; r++) {
                int32_t bytes;
                memcpy(&bytes, codes + 32 * r + 4 * g, 4);
                __m256i four = _mm256_set1_epi32(bytes);
                if (whole) {
                    __m256i product = _mm256_maddubs_epi16(size, _mm256_sign_epi8(four, word));
                    dots[r] = _mm256_add_epi32(dots[r], _mm256_madd_epi16(product, ones));
                    continue;
                }
                // Sums of 16 products of 15 · 127, or of 8 of 31 · 127, fit into 16 bits.
                pairs[r] = _mm256_add_epi16(pairs[r], _mm256_maddubs_epi16(word, four));
                if (bits == 8 && g == 3) {
                    dots[r] = _mm256_add_epi32(dots[r], _mm256_madd_epi16(pairs[r], ones));
                    pairs[r] = _mm256_setzero_si256();
                }
            }
        }
        panel += bits == 4 ? 512 : 1024;
        __m256 d, m;
        scales_2(panel, w->is_wide, quarter, &d);
        if (minima) scales_2(panel += step, w->is_wide, quarter, &m);
        panel += step;
        for (int r = 0; r < count; r++) {
            if (!whole) dots[r] = _mm256_add_epi32(dots[r], _mm256_madd_epi16(pairs[r], ones));
            __m256 factor = _mm256_mul_ps(d, _mm256_set1_ps(factors[r]));
            sums[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[r]), factor, sums[r]);
            if (minima) sums[r] = _mm256_fmadd_ps(m, _mm256_set1_ps(totals[r]), sums[r]);
        }
        codes += 32 * together, starts += together, factors += together, totals += together;
    }
    size_t start = row + quarter * 8, lanes = w->rows - start < 8 ? w->rows - start : 8;
    __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    for (int r = 0; r < count; r++) {
        float *to = y + (i + inside + r) * w->rows + start;
        __m256 value = _mm256_mul_ps(_mm256_set1_ps(alpha), sums[r]);
        if (beta != 0)
            value = _mm256_fmadd_ps(_mm256_set1_ps(alpha), sums[r],
                                    _mm256_mul_ps(_mm256_set1_ps(beta), _mm256_maskload_ps(to, mask)));
        _mm256_maskstore_ps(to, mask, value);
    }
}

INSIDE AVX2 void group_2(W w, X x, const uint8_t *panel, size_t row, size_t i, const int count, const int bits,
                         const int whole, const int minima, float alpha, float beta, float *y) {
    const int first = count > 4 ? (count + 1) / 2 : count;
    for (size_t quarter = 0; quarter < 4 && row + quarter * 8 < w->rows; quarter++) {
        quarter_2(w, x, panel, row, quarter, i, 0, count, first, bits, whole, minima, alpha, beta, y);
        if (first < count)
            quarter_2(w, x, panel, row, quarter, i, first, count, count - first, bits, whole, minima, alpha, beta, y);
    }
}

// Every group of inputs times every panel of a range; inputs that stay in the second cache at a time.
#define PANELS(group_call)                                                                                             \
    size_t groups = group_count(x), several = (size_t)(1 << 18) / (w->blocks * 32 * GROUP) + 1;                        \
    for (size_t from = 0; from < groups; from += several) {                                                            \
        size_t to = from + several < groups ? from + several : groups;                                                 \
        for (size_t p = first; p < end; p++) {                                                                         \
            const uint8_t *panel = w->panels + p * panel_bytes(w);                                                     \
            for (size_t g = from; g < to; g++) {                                                                       \
                size_t i = group_start(x, g), row = p * PANEL;                                                         \
                switch (group_start(x, g + 1) - i) {                                                                   \
                case 1: group_call(1); break;                                                                          \
                case 2: group_call(2); break;                                                                          \
                case 3: group_call(3); break;                                                                          \
                case 4: group_call(4); break;                                                                          \
                case 5: group_call(5); break;                                                                          \
                case 6: group_call(6); break;                                                                          \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

INSIDE AVX512 void panels_512(W w, X x, size_t first, size_t end, const int bits, const int minima, float alpha,
                              float beta, float *y) {
#define CALL(count) group_512(w, x, panel, row, i, count, bits, minima, alpha, beta, y)
    PANELS(CALL)
#undef CALL
}

static AVX512 void multiply_512(W w, X x, size_t first, size_t end, float alpha, float beta, float *y) {
    if (w->bits == 4) {
        if (w->has_minima) panels_512(w, x, first, end, 4, 1, alpha, beta, y);
        else panels_512(w, x, first, end, 4, 0, alpha, beta, y);
    } else {
        if (w->has_minima) panels_512(w, x, first, end, 8, 1, alpha, beta, y);
        else panels_512(w, x, first, end, 8, 0, alpha, beta, y);
    }
}

INSIDE AVX2 void panels_2(W w, X x, size_t first, size_t end, const int bits, const int whole, const int minima,
                          float alpha, float beta, float *y) {
#define CALL(count) group_2(w, x, panel, row, i, count, bits, whole, minima, alpha, beta, y)
    PANELS(CALL)
#undef CALL
}

static AVX2 void multiply_2(W w, X x, size_t first, size_t end, float alpha, float beta, float *y) {
    if (w->bits == 4) {
        if (w->has_minima) panels_2(w, x, first, end, 4, 0, 1, alpha, beta, y);
        else panels_2(w, x, first, end, 4, 0, 0, alpha, beta, y);
    } else if (w->has_minima) {
        panels_2(w, x, first, end, 8, 0, 1, alpha, beta, y);
    } else if (w->zero == 128) {
        panels_2(w, x, first, end, 8, 1, 0, alpha, beta, y);
    } else {
        panels_2(w, x, first, end, 8, 0, 0, alpha, beta, y);
    }
}

#endif

void blocks_tiles(W w, X x, size_t first, size_t end, float alpha, float beta, float *y, kernel_path path) {
#if defined(__x86_64__)
    if (path == kernel_path_avx512 && __builtin_cpu_supports("avx512vnni"))
        return multiply_512(w, x, first, end, alpha, beta, y);
    if (path != kernel_path_scalar) return multiply_2(w, x, first, end, alpha, beta, y);
#endif
    kernel_blocks_multiply_reference(w, x, first, end, alpha, beta, y);
}
