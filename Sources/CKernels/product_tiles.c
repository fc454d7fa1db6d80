// The innermost loops of matrix products, for each path, and which of them this CPU has.
#include "product_tiles.h"

#include <stdlib.h>

#define FLOAT(sum, a, rows, b)                                                                 \
    do {                                                                                       \
        float factor;                                                                          \
        memcpy(&factor, a, 4);                                                                 \
        (sum) = __builtin_elementwise_fma((__typeof__(sum))factor, (__typeof__(sum))(b), sum); \
    } while (0)
// The second of a pair, then the first, widened: a has the first of all rows, then the second, where b has
// pairs.
#define PAIR(sum, a, rows, b)                                                                  \
    do {                                                                                       \
        float first, second;                                                                   \
        memcpy(&first, a, 4);                                                                  \
        memcpy(&second, (a) + (rows), 4);                                                      \
        __typeof__(sum) high = (__typeof__(sum))((b)&0xFFFF0000u), low = (__typeof__(sum))((b) << 16); \
        (sum) = __builtin_elementwise_fma((__typeof__(sum))second, high, sum);                 \
        (sum) = __builtin_elementwise_fma((__typeof__(sum))first, low, sum);                   \
    } while (0)

#define PATH scalar
#define TARGET
#define WIDTH 4
#define ROWS 4
#define VECTORS 2
#define FEW 2
#define STEP 1
#define MULTIPLY FLOAT
#include "product_tile.h"

#define PATH scalar_bf16
#define TARGET
#define WIDTH 4
#define ROWS 4
#define VECTORS 2
#define FEW 2
#define STEP 2
#define MULTIPLY PAIR
#include "product_tile.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define PATH avx2
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define WIDTH 8
#define ROWS 6
#define VECTORS 2
#define FEW 3
#define STEP 1
#define MULTIPLY FLOAT
#include "product_tile.h"

#define PATH avx2_bf16
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define WIDTH 8
#define ROWS 5
#define VECTORS 2
#define FEW 2
#define STEP 2
#define MULTIPLY PAIR
#include "product_tile.h"

#define PATH avx512
#define TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define WIDTH 16
#define ROWS 14
#define VECTORS 2
#define FEW 0
#define STEP 1
#define MULTIPLY FLOAT
#include "product_tile.h"

#define PATH avx512_bf16
#define TARGET __attribute__((target("arch=x86-64-v4,avx512bf16"), min_vector_width(512)))
#define WIDTH 16
#define ROWS 14
#define VECTORS 2
#define FEW 0
#define STEP 1
#define MULTIPLY(sum, a, rows, b) \
    (sum) = (__typeof__(sum))_mm512_dpbf16_ps( \
        (__m512)(sum), (__m512bh)_mm512_set1_epi32((int)*(a)), (__m512bh)(b))
#include "product_tile.h"
#endif

int kernel_path_runs(kernel_path path) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (path == kernel_path_avx512) return __builtin_cpu_supports("x86-64-v4");
    if (path == kernel_path_avx2) return __builtin_cpu_supports("x86-64-v3");
#endif
    return path == kernel_path_scalar;
}

kernel_path kernel_chosen_path(void) {
    const char *named = getenv("TRIBUTARY_KERNELS");
    kernel_path most = kernel_path_avx512;
    if (named && strcmp(named, "avx2") == 0) most = kernel_path_avx2;
    if (named && strcmp(named, "scalar") == 0) most = kernel_path_scalar;
    while (!kernel_path_runs(most)) most--;
    return most;
}

const tile_kernel *product_tiles(kernel_path path, int bf16) {
#if defined(__x86_64__)
    if (path == kernel_path_avx512 && !bf16) return &kernel_avx512;
    if (path == kernel_path_avx512 && __builtin_cpu_supports("avx512bf16")) return &kernel_avx512_bf16;
    if (path != kernel_path_scalar) return bf16 ? &kernel_avx2_bf16 : &kernel_avx2;
#endif
    return bf16 ? &kernel_scalar_bf16 : &kernel_scalar;
}
