// Matrices of 4 or 8 bits a value, packed once, and their products with inputs that are rounded to 8 bits.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "product_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- blocks.c, blocks_tiles.c
//
// A matrix W [rows, 32 · blocks]: a value is scale (code − zero) + minimum, with a scale, and in some forms a minimum, for
// each block of 32 neighbours in a row. It lies in panels of 32 rows, block after block. A block of a panel has its codes
// first: four neighbouring columns of all rows are 128 bytes [row, 4]. Codes of 8 bits take eight such pieces; codes of 4
// bits take four, with columns 0…15 in the low halves and 16…31 in the high ones, as in GGUF. Then come the scales of all
// rows and the minima of all rows, as halves or float32. Rows behind the last are 0.

#define KERNEL_BLOCK_PANEL 32

/// A packed matrix.
typedef struct {
    size_t rows;
    /// Blocks in a row.
    size_t blocks;
    /// Bits of a code: 4 or 8; 0 for a type that has no packed form.
    int bits;
    /// What is taken off a code: 0, 8, 16, or 128. With 128, codes use all 8 bits, otherwise 5 at most.
    int zero;
    int has_minima;
    /// Whether scales and minima are float32, otherwise halves.
    int is_wide;
    /// Aligned to 64 bytes; see kernel_blocks_bytes.
    uint8_t *panels;
} kernel_blocks;

/// What a matrix of GGUF's type of that number is packed as, so that it keeps its values: Q4_0 (2), Q4_1 (3), Q5_0 (6),
/// Q5_1 (7), Q8_0 (8), Q4_K (12), Q5_K (13), IQ4_NL (20). `columns` are whole blocks of the type.
kernel_blocks kernel_blocks_of_type(uint32_t type, size_t rows, size_t columns);
/// What a matrix of float32 is packed as: codes of 8 bits, rounded as inputs are, and scales in float32.
kernel_blocks kernel_blocks_of_values(size_t rows, size_t columns);
/// How many bytes the panels take.
size_t kernel_blocks_bytes(const kernel_blocks *w);
/// Packs a panel of a matrix of a GGUF type from the bytes of each of its rows; fewer than 32 in the last panel.
/// Returns 1 if every scale and minimum is finite, else 0.
int kernel_blocks_pack(const kernel_blocks *w, uint32_t type, size_t panel, const uint8_t *const *rows, size_t count);
/// Packs a panel of rows of float32 [count, columns]. Returns 1 if every value is finite, else 0.
int kernel_blocks_pack_values(const kernel_blocks *w, size_t panel, const float *values, size_t count, size_t columns);
/// The values of a row [columns].
void kernel_blocks_widen(const kernel_blocks *w, size_t row, float *y, size_t columns);

/// y = alpha · x Wᵀ + beta · y, shared between the threads of the pool; y is not read where beta is 0. Each block of 32
/// neighbours in a row of x is rounded to 8 bits; products of codes are summed as whole numbers, and blocks in ascending
/// order in float32 with fused multiplications and additions. A row of y depends on its row of x alone, and on neither
/// path nor threads. What is not finite in x makes its row of y not finite.
///   x [rows, columns], y [rows, w->rows]
void kernel_blocks_product(const kernel_blocks *w, const float *x, size_t rows, size_t columns, float alpha, float beta,
                           float *y, kernel_path path);

/// x = alpha · y W + beta · x: W and y are rounded to bfloat16, as in kernel_product.
///   y [rows, w->rows], x [rows, columns]
void kernel_blocks_product_back(const kernel_blocks *w, const float *y, size_t rows, size_t columns, float alpha,
                                float beta, float *x, kernel_path path);

/// Rows of x in blocks of 8 bits: x = scale · code, codes in −127…127. Blocks lie in groups of rows, at most `together`.
typedef struct {
    size_t rows, blocks, together;
    /// [block, 32]
    int8_t *codes;
    /// [block]
    float *scales;
    /// [block]: −zero times the sum of its codes, where a product starts.
    int32_t *starts;
    /// [block]: scale times the sum of its codes.
    float *sums;
} kernel_block_inputs;

/// Rounds some rows of x: the largest magnitude of a block becomes ±127, ties go to even.
void kernel_blocks_round(const float *x, size_t columns, size_t first, size_t end, int zero,
                         const kernel_block_inputs *to);
void kernel_blocks_round_reference(const float *x, size_t columns, size_t first, size_t end, int zero,
                                   const kernel_block_inputs *to);
/// The product of rounded inputs with panels first ..< end.
void kernel_blocks_multiply(const kernel_blocks *w, const kernel_block_inputs *x, size_t first, size_t end,
                            float alpha, float beta, float *y, kernel_path path);
void kernel_blocks_multiply_reference(const kernel_blocks *w, const kernel_block_inputs *x, size_t first, size_t end,
                                      float alpha, float beta, float *y);

#ifdef __cplusplus
}
#endif
