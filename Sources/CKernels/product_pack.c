// How matrices are laid out for the tiles of a product: blocks turned about in registers.
#include "product_pack.h"

// Sixteen words each.
typedef uint32_t words __attribute__((ext_vector_type(16)));
typedef uint16_t halves __attribute__((ext_vector_type(32)));
typedef double pairs __attribute__((ext_vector_type(8)));

// To the nearest bfloat16, ties to even, in the upper half of each word; a NaN stays one.
INLINE void round_words(lanes *x) {
    words bits = (words)*x, quiet = (bits & 0xFFFF0000u) | 0x400000u;
    words rounded = (bits + 0x7FFFu + (bits >> 16 & 1)) & 0xFFFF0000u;
    bits = (bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded;
    *x = (lanes)bits;
}

// Thirty-two neighbours as sixteen pairs of bfloat16, the first of each in the lower half.
INLINE void pair_words(lanes *pair, lanes *low, lanes *high) {
    round_words(low);
    round_words(high);
    *pair = (lanes)__builtin_shufflevector((halves)*low, (halves)*high, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23,
                                           25, 27, 29, 31, 33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59,
                                           61, 63);
}

// Sixteen steps of up to sixteen rows, in lanes by step; lanes of rows that are not there are those of the
// last row.
INLINE void turn_block(const float *from, size_t stride, size_t count, packed_form form, lanes *rows) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 16; i++) {
        const float *row = from + (i < count ? i : count - 1) * stride;
        load(&rows[i], row);
        if (form == packed_rounded) round_words(&rows[i]);
        if (form == packed_pairs) {
            lanes low = rows[i], high;
            load(&high, row + 16);
            pair_words(&rows[i], &low, &high);
        }
    }
    transpose(rows);
}

// The same of fewer steps, in words [steps, width], of which `count` are written in each row; what is not
// there is 0.
INLINE void turn_rest(const float *from, size_t stride, size_t count, size_t columns, packed_form form, float *to,
                      size_t width) {
    float room[16][32] = {{0}};
    lanes rows[16];
    for (size_t i = 0; i < count; i++) memcpy(room[i], from + i * stride, columns * sizeof(float));
    turn_block(room[0], 32, 16, form, rows);
    size_t steps = form == packed_pairs ? (columns + 1) / 2 : columns;
    for (size_t p = 0; p < steps; p++) memcpy(to + p * width, &rows[p], (width < 16 ? width : 16) * sizeof(float));
}

// Up to sixteen rows as words [steps, width], sixteen words of each row of which are written: where it is
// narrower, what comes later overwrites them.
INLINE void turn(const float *from, size_t stride, size_t count, size_t columns, packed_form form, float *to,
                 size_t width) {
    size_t each = form == packed_pairs ? 32 : 16, c = 0;
    // The last rows have nothing behind them to write over.
    size_t safe = width < 16 ? (16 + width - 1) / width * (each / 16) : 0;
    for (; c + each + safe <= columns; c += each, to += 16 * width) {
        lanes rows[16];
        turn_block(from + c, stride, count, form, rows);
#pragma clang loop unroll(full)
        for (size_t p = 0; p < 16; p++) store(to + p * width, &rows[p]);
    }
    for (; c < columns; c += each, to += 16 * width)
        turn_rest(from + c, stride, count, columns - c < each ? columns - c : each, form, to, width);
}

KERNEL WIDE void pack_rows(const float *a, size_t stride, size_t rows, size_t depth, packed_form form,
                           float *to) {
    switch (form) {
    case packed_plain: return turn(a, stride, rows, depth, packed_plain, to, rows);
    case packed_rounded:
        if (depth % 2) memset(to + depth * rows, 0, rows * sizeof(float));
        return turn(a, stride, rows, depth, packed_rounded, to, rows);
    case packed_pairs: return turn(a, stride, rows, depth, packed_pairs, to, rows);
    }
}

KERNEL WIDE void pack_transposed_rows(const float *a, size_t stride, size_t rows, size_t depth, float *to) {
    for (size_t p = 0; p < depth; p++, a += stride, to += rows) {
        // Sixteen where both sides go on behind the row, which the next one overwrites.
        if (p + 1 < depth && stride >= 16 && (depth - p) * rows >= 16) {
            lanes v;
            load(&v, a);
            store(to, &v);
        } else {
            memcpy(to, a, rows * sizeof(float));
        }
    }
}

// A panel out of rows of a weight [n, k], of which `count` are there.
INLINE void panel_of_rows(const float *w, size_t stride, size_t count, size_t depth, packed_form form,
                          float *to) {
    size_t each = form == packed_pairs ? 32 : 16;
    for (size_t half = 0; half < KERNEL_PANEL; half += 16) {
        if (count >= half + 16) {
            turn(w + half * stride, stride, 16, depth, form, to + half, KERNEL_PANEL);
            continue;
        }
        size_t there = count > half ? count - half : 0;
        for (size_t c = 0; c < depth; c += each)
            turn_rest(w + (there ? half * stride + c : 0), stride, there, depth - c < each ? depth - c : each,
                      form, to + half + c * 16 / each * KERNEL_PANEL, KERNEL_PANEL);
    }
}

KERNEL WIDE void pack_columns(const float *b, size_t stride, size_t count, size_t depth, float *to) {
    panel_of_rows(b, stride, count, depth, packed_plain, to);
}

KERNEL WIDE void pack_lines(const float *b, size_t stride, size_t count, size_t depth, float *to) {
    for (size_t p = 0; p < depth; p++, b += stride, to += KERNEL_PANEL) {
        if (count == KERNEL_PANEL) {
            memcpy(to, b, KERNEL_PANEL * sizeof(float));
        } else {
            memcpy(to, b, count * sizeof(float));
            memset(to + count, 0, (KERNEL_PANEL - count) * sizeof(float));
        }
    }
}

KERNEL WIDE void kernel_pack_panels(const float *w, size_t first, size_t count, size_t columns, int bf16,
                                    void *panels) {
    size_t words = KERNEL_PANEL * (bf16 ? (columns + 1) / 2 : columns);
    float *to = (float *)panels + first / KERNEL_PANEL * words;
    for (size_t row = 0; row < count; row += KERNEL_PANEL, to += words) {
        size_t some = count - row < KERNEL_PANEL ? count - row : KERNEL_PANEL;
        if (bf16)
            panel_of_rows(w + row * columns, columns, some, columns, packed_pairs, to);
        else
            panel_of_rows(w + row * columns, columns, some, columns, packed_plain, to);
    }
}

size_t kernel_panels_size(size_t rows, size_t columns, int bf16) {
    size_t panels = (rows + KERNEL_PANEL - 1) / KERNEL_PANEL;
    return panels * KERNEL_PANEL * sizeof(float) * (bf16 ? (columns + 1) / 2 : columns);
}

// Transposes 8 × 8 pairs of words.
INLINE void transpose_pairs(pairs *r) {
    for (int i = 0; i < 4; i++) {
        pairs a = r[i], b = r[i + 4];
        r[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
        r[i + 4] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
    }
    for (int i = 0; i < 8; i++) {
        if (i & 2) continue;
        pairs a = r[i], b = r[i + 2];
        r[i] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
        r[i + 2] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
    for (int i = 0; i < 8; i += 2) {
        pairs a = r[i], b = r[i + 1];
        r[i] = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
        r[i + 1] = __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
    }
}

// The 32 rows of one panel, from column `at` on, as 16 pairs of rows of 32 columns [16, 32].
INLINE void turn_pairs(const float *panel, size_t columns, float *to) {
    for (size_t half = 0; half < KERNEL_PANEL; half += 16)
        for (size_t c = 0; c < KERNEL_PANEL; c += 16) {
            pairs r[8];
            for (size_t q = 0; q < 8; q++) {
                lanes v = 0;
                if (c + 2 * q < columns) load(&v, panel + (c / 2 + q) * KERNEL_PANEL + half);
                // Of two neighbouring rows: both first columns, then both second ones.
                r[q] = (pairs)__builtin_shufflevector((halves)v, (halves)v, 0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11,
                                                      12, 14, 13, 15, 16, 18, 17, 19, 20, 22, 21, 23, 24, 26, 25,
                                                      27, 28, 30, 29, 31);
            }
            transpose_pairs(r);
            for (size_t i = 0; i < 8; i++) memcpy(to + (half / 2 + i) * KERNEL_PANEL + c, &r[i], sizeof r[i]);
        }
}

KERNEL WIDE void pack_panels_back(const float *panels, size_t columns, size_t column, size_t first, size_t depth,
                                  int bf16, float *to) {
    size_t words = bf16 ? (columns + 1) / 2 : columns, count = columns - column;
    if (count > KERNEL_PANEL) count = KERNEL_PANEL;
    for (size_t p = first; p < first + depth; p += KERNEL_PANEL) {
        size_t at = p / KERNEL_PANEL * words + (bf16 ? column / 2 : column);
        const float *panel = panels + at * KERNEL_PANEL;
        if (bf16) {
            turn_pairs(panel, count, to);
            to += KERNEL_PANEL / 2 * KERNEL_PANEL;
        } else {
            panel_of_rows(panel, KERNEL_PANEL, count, KERNEL_PANEL, packed_plain, to);
            to += KERNEL_PANEL * KERNEL_PANEL;
        }
    }
}

KERNEL void kernel_gather_panels(const void *panels, const int32_t *index, float *y, size_t count,
                                 size_t columns, int bf16) {
    size_t words = bf16 ? (columns + 1) / 2 : columns;
    for (size_t i = 0; i < count; i++, y += columns) {
        size_t row = (size_t)index[i];
        const uint32_t *panel = (const uint32_t *)panels + row / KERNEL_PANEL * words * KERNEL_PANEL;
        const uint32_t *from = panel + row % KERNEL_PANEL;
        for (size_t c = 0; c < columns; c++) {
            uint32_t word = from[(bf16 ? c / 2 : c) * KERNEL_PANEL];
            if (bf16) word = c % 2 ? word & 0xFFFF0000u : word << 16;
            memcpy(y + c, &word, 4);
        }
    }
}
