// Matrix products (product.c).
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The instruction sets that products are written for. All of them give the same bits.
typedef enum { kernel_path_scalar, kernel_path_avx2, kernel_path_avx512 } kernel_path;

/// The best path of this CPU, or a lesser one that `TRIBUTARY_KERNELS` names: `scalar`, `avx2` or `avx512`.
kernel_path kernel_chosen_path(void);
/// Whether this CPU has what a path needs.
int kernel_path_runs(kernel_path path);

/// How the right-hand matrix b [k, n] of a product lies in memory.
typedef enum {
    /// float32, row after row, `b_stride` apart.
    kernel_rows,
    /// float32, column after column, `b_stride` apart: the rows of a weight [n, k].
    kernel_columns,
    /// The panels of a weight [n, k], from kernel_pack_panels: y = x Wᵀ.
    kernel_panels,
    /// The panels of a weight [k, n]: x = y W.
    kernel_panels_back,
    /// The same of weights in bfloat16; a is rounded too, and its products are summed in float32.
    kernel_panels_bf16,
    kernel_panels_bf16_back,
} kernel_form;

/// c = alpha · a b + beta · c; c is not read where beta is 0.
typedef struct {
    kernel_path path;
    size_t m, n, k;
    /// a [m, k], row after row; or, where it is transposed, [k, m].
    const float *a;
    size_t a_stride;
    int a_transposed;
    const void *b;
    size_t b_stride;
    kernel_form b_form;
    float alpha, beta;
    float *c;
    size_t c_stride;
} kernel_product_work;

/// Shares the product between the threads of the pool. Each element of c is a sum in the order of k, by one
/// fused multiplication and addition after the other, in blocks of at most KERNEL_DEPTH that are then added
/// to c: it depends neither on other rows and columns, nor on how many of them there are, nor on the threads,
/// nor on the path. In bfloat16 the second of each pair in k comes first, as in `vdpbf16ps`, for which
/// subnormal numbers are 0.
void kernel_product(const kernel_product_work *work);
void kernel_product_reference(const kernel_product_work *work);

/// The most numbers that are summed before they are added to c; the blocks of a longer sum are as equal as
/// multiples of 32 can be.
#define KERNEL_DEPTH 1536
/// The width of a panel.
#define KERNEL_PANEL 32

/// How many bytes the panels of a weight [rows, columns] take.
size_t kernel_panels_size(size_t rows, size_t columns, int bf16);
/// Packs rows w [count, columns] of a weight, from row `first` on, a multiple of KERNEL_PANEL, into the
/// panels of the whole. A panel holds 32 rows: column after column (of bfloat16 pair after pair of columns)
/// their values side by side. Rows and a column that are not there are 0; `count` is a multiple of 32 but at
/// the end.
void kernel_pack_panels(const float *w, size_t first, size_t count, size_t columns, int bf16, void *panels);
/// y[i, :] = row index[i] of a weight in panels, widened to float32.
void kernel_gather_panels(const void *panels, const int32_t *index, float *y, size_t count, size_t columns,
                          int bf16);
void kernel_gather_panels_reference(const void *panels, const int32_t *index, float *y, size_t count,
                                    size_t columns, int bf16);

#ifdef __cplusplus
}
#endif
