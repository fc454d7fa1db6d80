// The innermost loops of matrix products. product_tiles.c includes this once for each path and form, and
// defines PATH, a name; TARGET, what functions need; WIDTH, floats in a register; ROWS and VECTORS, those of
// a tile that fills the registers; FEW, rows up to which there is room for twice as many vectors; STEP, how
// many words of a row of a there are for a step; MULTIPLY(sum, a, rows, b), which adds a step's products.

#define JOIN_(name, path) name##_##path
#define JOIN(name, path) JOIN_(name, path)
#define NAME(name) JOIN(name, PATH)

typedef float NAME(vector) __attribute__((ext_vector_type(WIDTH)));
typedef uint32_t NAME(words) __attribute__((ext_vector_type(WIDTH)));

// Writes alpha · sum + beta · c: whole vectors, and what is left one by one.
TARGET INLINE void NAME(finish)(NAME(vector) *sum, const tile_output *to, size_t columns, size_t row,
                                size_t vectors) {
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) {
        float *c = to->c + row * to->stride + v * WIDTH;
        NAME(vector) y = to->alpha * sum[v], old;
        if ((v + 1) * WIDTH <= columns) {
            if (to->beta != 0) {
                memcpy(&old, c, sizeof old);
                y = __builtin_elementwise_fma((NAME(vector))to->beta, old, y);
            }
            memcpy(c, &y, sizeof y);
        } else if (v * WIDTH < columns) {
            float part[WIDTH];
            memcpy(part, &y, sizeof y);
            for (size_t lane = 0; lane < columns - v * WIDTH; lane++)
                c[lane] = to->beta == 0 ? part[lane] : __builtin_fmaf(to->beta, c[lane], part[lane]);
        }
    }
}

// With constant `rows` and `vectors`, all sums stay in registers.
TARGET INLINE void NAME(tile)(const uint32_t *a, const uint32_t *b, size_t b_step, size_t steps,
                              const tile_output *to, size_t columns, size_t rows, size_t vectors) {
    NAME(vector) sum[ROWS][32 / WIDTH];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) sum[i][v] = 0;
    // c is on its way while the sums are made.
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v += 16 / WIDTH)
            __builtin_prefetch(to->c + i * to->stride + v * WIDTH, 1);
#pragma clang loop unroll(disable)
    for (size_t p = 0; p < steps; p++, a += rows * STEP, b += b_step) {
        NAME(words) w[32 / WIDTH];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) memcpy(&w[v], b + v * WIDTH, sizeof w[v]);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
            for (size_t v = 0; v < vectors; v++) MULTIPLY(sum[i][v], a + i, rows, w[v]);
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) NAME(finish)(sum[i], to, columns, i, vectors);
}

// All columns of a panel, in as many goes as the registers ask for.
TARGET INLINE void NAME(panel)(const uint32_t *a, const uint32_t *b, size_t b_step, size_t steps,
                               tile_output to, size_t columns, size_t rows) {
    size_t vectors = rows <= FEW ? 2 * VECTORS : VECTORS;
    for (size_t left = columns, go = vectors * WIDTH;; left -= go, b += go, to.c += go) {
        if (left <= WIDTH) return NAME(tile)(a, b, b_step, steps, &to, left, rows, 1);
        NAME(tile)(a, b, b_step, steps, &to, left, rows, vectors);
        if (left <= go) return;
    }
}

#define ROW_COUNT(count)                                                                                    \
    TARGET static void JOIN(NAME(height), count)(const void *a, const void *b, size_t b_step, size_t steps, \
                                                 const tile_output *to, size_t columns) {                   \
        NAME(panel)(a, b, b_step, steps, *to, columns, count);                                              \
    }
ROW_COUNT(1)
ROW_COUNT(2)
ROW_COUNT(3)
ROW_COUNT(4)
#if ROWS > 4
ROW_COUNT(5)
#endif
#if ROWS > 5
ROW_COUNT(6)
#endif
#if ROWS > 6
ROW_COUNT(7)
ROW_COUNT(8)
ROW_COUNT(9)
ROW_COUNT(10)
ROW_COUNT(11)
ROW_COUNT(12)
ROW_COUNT(13)
ROW_COUNT(14)
#endif

static tile_function *const NAME(heights)[ROWS] = {
    JOIN(NAME(height), 1),  JOIN(NAME(height), 2),  JOIN(NAME(height), 3),  JOIN(NAME(height), 4),
#if ROWS > 4
    JOIN(NAME(height), 5),
#endif
#if ROWS > 5
    JOIN(NAME(height), 6),
#endif
#if ROWS > 6
    JOIN(NAME(height), 7),  JOIN(NAME(height), 8),  JOIN(NAME(height), 9),  JOIN(NAME(height), 10),
    JOIN(NAME(height), 11), JOIN(NAME(height), 12), JOIN(NAME(height), 13), JOIN(NAME(height), 14),
#endif
};

static const tile_kernel NAME(kernel) = {.rows = ROWS, .step = STEP, .tiles = NAME(heights)};

#undef ROW_COUNT
#undef NAME
#undef JOIN
#undef JOIN_
#undef PATH
#undef TARGET
#undef WIDTH
#undef ROWS
#undef VECTORS
#undef FEW
#undef STEP
#undef MULTIPLY
