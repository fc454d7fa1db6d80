// Packing for the tiles of a product: what product_pack.c does for product.c.
#pragma once

#include "lanes.h"

// What a step of k is: a float, a float rounded to bfloat16, or two neighbours as bfloat16.
typedef enum { packed_plain, packed_rounded, packed_pairs } packed_form;

// Rows of a as [steps, rows].
void pack_rows(const float *a, size_t stride, size_t rows, size_t depth, packed_form form, float *to);
// Columns of a, which is [k, m] here, as [depth, rows].
void pack_transposed_rows(const float *a, size_t stride, size_t rows, size_t depth, float *to);
// Columns of b, each of which lies in one piece, as a panel [depth, 32]; columns that are not there are 0.
void pack_columns(const float *b, size_t stride, size_t count, size_t depth, float *to);
// Columns of b, which lies row after row, as a panel.
void pack_lines(const float *b, size_t stride, size_t count, size_t depth, float *to);
// Rows first ..< first + depth of a weight in panels, whose columns from `column` on are a panel now. Both
// are multiples of 32, and `to` has room for a multiple of 32 rows.
void pack_panels_back(const float *panels, size_t columns, size_t column, size_t first, size_t depth, int bf16,
                      float *to);
