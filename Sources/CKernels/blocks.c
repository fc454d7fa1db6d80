// Packed blocks: packing, rounding of inputs, and products shared between threads.
#include "blocks.h"

#include <pthread.h>
#include <stdlib.h>

// ---- Packing

static kernel_blocks form(size_t rows, size_t columns, int bits, int zero, int has_minima, int is_wide) {
    return (kernel_blocks){rows, (columns + BLOCK - 1) / BLOCK, bits, zero, has_minima, is_wide, NULL};
}

kernel_blocks kernel_blocks_of_type(uint32_t type, size_t rows, size_t columns) {
    switch (type) {
    case 2: return form(rows, columns, 4, 8, 0, 0);
    case 3: return form(rows, columns, 4, 0, 1, 0);
    case 6: return form(rows, columns, 8, 16, 0, 0);
    case 7: return form(rows, columns, 8, 0, 1, 0);
    case 8: return form(rows, columns, 8, 128, 0, 0);
    case 12: return form(rows, columns, 4, 0, 1, 1);
    case 13: return form(rows, columns, 8, 0, 1, 1);
    case 20: return form(rows, columns, 8, 128, 0, 0);
    default: return form(rows, columns, 0, 0, 0, 0);
    }
}

kernel_blocks kernel_blocks_of_values(size_t rows, size_t columns) { return form(rows, columns, 8, 128, 0, 1); }

size_t kernel_blocks_bytes(W w) { return (w->rows + PANEL - 1) / PANEL * panel_bytes(w); }

// A block of a GGUF file: its codes in the order of columns, and scale and minimum as they are packed.
typedef struct {
    uint8_t codes[BLOCK];
    uint8_t scale[4], minimum[4];
} plain_block;

INLINE void split_halves(const uint8_t *q, uint8_t *codes) {
    for (int j = 0; j < 16; j++) codes[j] = q[j] & 15, codes[j + 16] = q[j] >> 4;
}

INLINE void add_fifth_bits(const uint8_t *q, uint8_t *codes) {
    uint32_t high = bits16(q) | bits16(q + 2) << 16;
    for (int j = 0; j < BLOCK; j++) codes[j] |= (uint8_t)((high >> j & 1) << 4);
}

// Run `run` of 32 values of a block of 256.
INLINE void read_k(const uint8_t *from, int run, int fifth, plain_block *to) {
    float scale, minimum;
    scale_and_minimum(from + 4, run, &scale, &minimum);
    scale *= half_to_float(bits16(from));
    minimum *= -half_to_float(bits16(from + 2));
    const uint8_t *q = from + (fifth ? 48 : 16) + 32 * (run / 2);
    for (int j = 0; j < BLOCK; j++) {
        to->codes[j] = q[j] >> 4 * (run % 2) & 15;
        if (fifth) to->codes[j] |= (uint8_t)((from[16 + j] >> run & 1) << 4);
    }
    memcpy(to->scale, &scale, 4);
    memcpy(to->minimum, &minimum, 4);
}

INLINE void read_block(uint32_t type, const uint8_t *row, size_t block, plain_block *to) {
    const uint8_t *from;
    switch (type) {
    case 6:
        from = row + block * 22;
        split_halves(from + 6, to->codes);
        add_fifth_bits(from + 2, to->codes);
        break;
    case 7:
        from = row + block * 24;
        split_halves(from + 8, to->codes);
        add_fifth_bits(from + 4, to->codes);
        break;
    case 8:
        from = row + block * 34;
        for (int j = 0; j < BLOCK; j++) to->codes[j] = from[2 + j] ^ 128;
        break;
    case 12: return read_k(row + block / 8 * 144, (int)(block % 8), 0, to);
    case 13: return read_k(row + block / 8 * 176, (int)(block % 8), 1, to);
    default:
        from = row + block * 18;
        split_halves(from + 2, to->codes);
        for (int j = 0; j < BLOCK; j++) to->codes[j] = (uint8_t)(kernel_iq4_values[to->codes[j]] + 128);
    }
    memcpy(to->scale, from, 2);
    memcpy(to->minimum, from + 2, 2);
}

// Writes a block of a row to its places in a panel.
INLINE void put_block(W w, uint8_t *to, size_t lane, const plain_block *block) {
    for (int four = 0; four < (w->bits == 4 ? 4 : 8); four++) {
        uint32_t codes;
        memcpy(&codes, block->codes + 4 * four, 4);
        if (w->bits == 4) {
            uint32_t high;
            memcpy(&high, block->codes + 16 + 4 * four, 4);
            codes |= high << 4;
        }
        memcpy(to + (size_t)(four * PANEL + (int)lane) * 4, &codes, 4);
    }
    size_t width = w->is_wide ? 4 : 2;
    memcpy(to + code_bytes(w) + lane * width, block->scale, width);
    if (w->has_minima) memcpy(to + code_bytes(w) + scale_bytes(w) + lane * width, block->minimum, width);
}

// The same for a block of Q4_0 or Q4_1, whose bytes are as they are packed.
INLINE void put_nibbles(W w, uint8_t *to, size_t lane, const uint8_t *from, plain_block *numbers) {
    size_t head = w->has_minima ? 4 : 2;
    for (size_t four = 0; four < 4; four++) memcpy(to + (four * PANEL + lane) * 4, from + head + 4 * four, 4);
    memcpy(numbers->scale, from, 2);
    memcpy(to + code_bytes(w) + lane * 2, from, 2);
    if (!w->has_minima) return;
    memcpy(numbers->minimum, from + 2, 2);
    memcpy(to + code_bytes(w) + scale_bytes(w) + lane * 2, from + 2, 2);
}

INLINE int is_finite(const uint8_t *number, int is_wide) {
    uint32_t bits;
    if (!is_wide) return (bits16(number) & 0x7C00u) != 0x7C00u;
    memcpy(&bits, number, 4);
    return (bits & 0x7F800000u) != 0x7F800000u;
}

KERNEL int kernel_blocks_pack(W w, uint32_t type, size_t panel, const uint8_t *const *rows, size_t count) {
    uint8_t *to = w->panels + panel * panel_bytes(w);
    int finite = 1;
    if (count < PANEL) memset(to, 0, panel_bytes(w));
    for (size_t b = 0; b < w->blocks; b++, to += block_bytes(w)) {
        for (size_t lane = 0; lane < count; lane++) {
            plain_block block;
            if (type == 2 || type == 3) {
                put_nibbles(w, to, lane, rows[lane] + b * (type == 2 ? 18 : 20), &block);
            } else {
                read_block(type, rows[lane], b, &block);
                put_block(w, to, lane, &block);
            }
            finite &= is_finite(block.scale, w->is_wide);
            if (w->has_minima) finite &= is_finite(block.minimum, w->is_wide);
        }
    }
    return finite;
}

void kernel_blocks_widen(W w, size_t row, float *y, size_t columns) {
    const uint8_t *panel = w->panels + row / PANEL * panel_bytes(w);
    size_t lane = row % PANEL;
    for (size_t b = 0; b < w->blocks; b++) {
        // Minus nothing, not nothing: it leaves the sign of a zero.
        float d = block_scale(w, panel, b, lane, 0), m = w->has_minima ? block_scale(w, panel, b, lane, 1) : -0.0f;
        size_t first = b * BLOCK, count = columns - first < BLOCK ? columns - first : BLOCK;
        for (size_t c = 0; c < count; c++) y[first + c] = d * (float)(block_code(w, panel, b, lane, c) - w->zero) + m;
    }
}

// ---- Rounding

typedef int32_t whole_lanes __attribute__((ext_vector_type(16)));
typedef int8_t small_lanes __attribute__((ext_vector_type(16)));

// Rounds a block of at most 32 values to codes; returns its scale, and the sum of the codes.
INLINE float round_block(const float *x, size_t count, int8_t *codes, int32_t *sum) {
#pragma clang fp contract(off)
    float part[BLOCK];
    if (count < BLOCK) {
        for (size_t j = 0; j < BLOCK; j++) part[j] = j < count ? x[j] : 0;
        x = part;
    }
    // As integers magnitudes keep their order, and what is not finite is the largest.
    whole_lanes bits[2], rounded[2] = {0, 0};
    memcpy(bits, x, sizeof bits);
    bits[0] &= 0x7FFFFFFF;
    bits[1] &= 0x7FFFFFFF;
    int32_t largest = __builtin_reduce_max(__builtin_elementwise_max(bits[0], bits[1]));
    float size, scale = NAN;
    memcpy(&size, &largest, 4);
    if (largest < 0x7F800000) {
        float inverse = size < 0x1p-100f ? 0 : 127.0f / size;
        scale = size * (1.0f / 127.0f);
        for (int h = 0; h < 2; h++) {
            // To the nearest, ties to even, as in exp_inline.
            lanes values;
            load(&values, x + 16 * h);
            values = values * inverse + 0x1.8p23f;
            memcpy(&rounded[h], &values, sizeof values);
            rounded[h] -= 0x4B400000;
        }
    }
    for (int h = 0; h < 2; h++) {
        small_lanes narrow = __builtin_convertvector(rounded[h], small_lanes);
        memcpy(codes + 16 * h, &narrow, sizeof narrow);
    }
    *sum = __builtin_reduce_add(rounded[0] + rounded[1]);
    return scale;
}

KERNEL WIDE void kernel_blocks_round(const float *x, size_t columns, size_t first, size_t end, int zero, X to) {
    for (size_t row = first; row < end; row++) {
        input_place place = place_of(to, row);
        for (size_t c = 0, at = place.first; c < columns; c += BLOCK, at += place.step) {
            int32_t sum;
            size_t count = columns - c < BLOCK ? columns - c : BLOCK;
            float scale = round_block(x + row * columns + c, count, to->codes + at * BLOCK, &sum);
            to->scales[at] = scale;
            to->starts[at] = -zero * sum;
            to->sums[at] = scale * (float)sum;
        }
    }
}

KERNEL WIDE int kernel_blocks_pack_values(W w, size_t panel, const float *values, size_t count, size_t columns) {
    uint8_t *to = w->panels + panel * panel_bytes(w);
    int finite = 1;
    if (count < PANEL) memset(to, 0, panel_bytes(w));
    for (size_t b = 0; b < w->blocks; b++, to += block_bytes(w)) {
        for (size_t lane = 0; lane < count; lane++) {
            plain_block block;
            int32_t sum;
            size_t left = columns - b * BLOCK;
            float scale = round_block(values + lane * columns + b * BLOCK, left < BLOCK ? left : BLOCK,
                                      (int8_t *)block.codes, &sum);
            memcpy(block.scale, &scale, 4);
            for (int j = 0; j < BLOCK; j++) block.codes[j] ^= 128;
            put_block(w, to, lane, &block);
            finite &= is_finite(block.scale, 1);
        }
    }
    return finite;
}

// ---- Products

void kernel_blocks_multiply(W w, X x, size_t first, size_t end, float alpha, float beta, float *y, kernel_path path) {
    blocks_tiles(w, x, first, end, alpha, beta, y, path);
}

// Memory of a thread for rounded inputs and widened panels, kept from product to product.
typedef struct {
    void *memory;
    size_t bytes;
} scratch;

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static void scratch_free(void *pointer) {
    free(((scratch *)pointer)->memory);
    free(pointer);
}

static void scratch_make_key(void) { pthread_key_create(&scratch_key, scratch_free); }

void *blocks_scratch(size_t bytes) {
    pthread_once(&scratch_once, scratch_make_key);
    scratch *own = pthread_getspecific(scratch_key);
    if (!own) {
        own = calloc(1, sizeof *own);
        pthread_setspecific(scratch_key, own);
    }
    if (own->bytes < bytes) {
        free(own->memory);
        own->bytes = (bytes + 63) / 64 * 64;
        own->memory = aligned_alloc(64, own->bytes);
    }
    return own->memory;
}

typedef struct {
    W w;
    X x;
    const float *from;
    size_t columns, each;
    float alpha, beta;
    float *y;
    kernel_path path;
} product_work;

static void round_part(void *context, size_t part) {
    const product_work *work = context;
    size_t first = part * work->each, end = first + work->each;
    if (end > work->x->rows) end = work->x->rows;
    kernel_blocks_round(work->from, work->columns, first, end, work->w->zero, work->x);
}

static void multiply_part(void *context, size_t part) {
    const product_work *work = context;
    size_t panels = (work->w->rows + PANEL - 1) / PANEL, first = part * work->each, end = first + work->each;
    if (end > panels) end = panels;
    blocks_tiles(work->w, work->x, first, end, work->alpha, work->beta, work->y, work->path);
}

// Does a loop in parts that take some microseconds each, and are not many more than the threads.
static void share(product_work *work, kernel_part *body, size_t count, double nanoseconds_each) {
    size_t least = (size_t)(4000 / nanoseconds_each) + 1, most = (count - 1) / (8 * kernel_parallel_threads()) + 1;
    work->each = least > most ? least : most;
    kernel_parallel((count + work->each - 1) / work->each, body, work);
}

void kernel_blocks_product(W w, const float *x, size_t rows, size_t columns, float alpha, float beta, float *y,
                           kernel_path path) {
    if (rows == 0 || w->rows == 0) return;
    size_t count = rows * w->blocks;
    uint8_t *memory = blocks_scratch(count * (BLOCK + 12));
    kernel_block_inputs inputs = {
        .rows = rows,
        .blocks = w->blocks,
        .together = path == kernel_path_avx2 ? 4 : GROUP,
        .codes = (int8_t *)memory,
        .scales = (float *)(memory + count * BLOCK),
        .starts = (int32_t *)(memory + count * (BLOCK + 4)),
        .sums = (float *)(memory + count * (BLOCK + 8)),
    };
    product_work work = {w, &inputs, x, columns, 0, alpha, beta, y, path};
    share(&work, round_part, rows, (double)w->blocks * 10);
    double codes = (double)block_bytes(w) / 16 + (double)rows * 5.5;
    share(&work, multiply_part, (w->rows + PANEL - 1) / PANEL, (double)w->blocks * codes);
}
