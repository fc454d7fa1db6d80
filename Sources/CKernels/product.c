// Matrix products: what is packed when, and who does which tiles.
#include <pthread.h>
#include <stdlib.h>

#include "product_pack.h"
#include "product_tiles.h"

enum {
    // Words of a that are packed at once.
    PACKED_WORDS = 1 << 20,
    // Multiplications that are worth a second thread, and words of a that several threads pack.
    SHARED_FROM = 1 << 18,
    SHARED_WORDS = 1 << 14,
    // Tiles that one thread packs in a row.
    TILES_EACH = 8,
};

// ---- Memory that each thread keeps for its next product

typedef struct {
    float *memory[2];
    size_t words[2];
} scratch;

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static void scratch_free(void *pointer) {
    scratch *own = pointer;
    free(own->memory[0]);
    free(own->memory[1]);
    free(own);
}

static void scratch_make_key(void) { pthread_key_create(&scratch_key, scratch_free); }

static float *scratch_take(int which, size_t words) {
    pthread_once(&scratch_once, scratch_make_key);
    scratch *own = pthread_getspecific(scratch_key);
    if (!own) {
        own = calloc(1, sizeof *own);
        pthread_setspecific(scratch_key, own);
    }
    if (own->words[which] < words) {
        free(own->memory[which]);
        own->memory[which] = aligned_alloc(64, (words * sizeof(float) + 63) / 64 * 64);
        own->words[which] = words;
    }
    return own->memory[which];
}

// ---- One block of a product: some rows of a, some of the depth, all columns

typedef struct {
    const kernel_product_work *work;
    const tile_kernel *kernel;
    packed_form form;
    size_t tiles;
    size_t row, rows;     // of a and c
    size_t first, depth;  // of k
    size_t steps;
    float beta;
    float *packed;  // a
    size_t panels, panels_each, tiles_each;  // of b, in all and in a part; and tiles in a part
} product_block;

static size_t least(size_t a, size_t b) { return a < b ? a : b; }
static size_t ceiling(size_t a, size_t b) { return (a + b - 1) / b; }

// The first row of a tile: they are equally high, but for one.
static size_t tile_row(const product_block *block, size_t tile) {
    return tile * (block->rows / block->tiles) + least(tile, block->rows % block->tiles);
}

static void pack_tiles(const product_block *block, size_t from, size_t to) {
    const kernel_product_work *work = block->work;
    size_t words = block->steps * block->kernel->step;
    for (size_t tile = from; tile < to; tile++) {
        size_t row = tile_row(block, tile), rows = tile_row(block, tile + 1) - row;
        float *packed = block->packed + row * words;
        if (work->a_transposed)
            pack_transposed_rows(work->a + block->first * work->a_stride + block->row + row, work->a_stride,
                                 rows, block->depth, packed);
        else
            pack_rows(work->a + (block->row + row) * work->a_stride + block->first, work->a_stride, rows,
                      block->depth, block->form, packed);
    }
}

static void pack_part(void *context, size_t part) {
    const product_block *block = context;
    pack_tiles(block, part * TILES_EACH, least((part + 1) * TILES_EACH, block->tiles));
}

// A panel of b: in place, or packed here.
static const float *panel_of(const product_block *block, size_t panel, float *room, size_t *step) {
    const kernel_product_work *work = block->work;
    size_t column = panel * KERNEL_PANEL, count = least(KERNEL_PANEL, work->n - column), words = work->k;
    size_t first = block->first, depth = block->depth, stride = work->b_stride;
    const float *b = work->b;
    *step = KERNEL_PANEL;
    switch (work->b_form) {
    case kernel_rows:
        b += first * stride + column;
        // For few rows, packing would take longer than it saves.
        if (count == KERNEL_PANEL && block->tiles < 3) return *step = stride, b;
        pack_lines(b, stride, count, depth, room);
        return room;
    case kernel_columns: pack_columns(b + column * stride + first, stride, count, depth, room); return room;
    case kernel_panels_bf16: words = (words + 1) / 2, first /= 2; __attribute__((fallthrough));
    case kernel_panels: return b + (panel * words + first) * KERNEL_PANEL;
    case kernel_panels_back: pack_panels_back(b, work->n, column, first, depth, 0, room); return room;
    case kernel_panels_bf16_back: pack_panels_back(b, work->n, column, first, depth, 1, room); return room;
    }
}

static void product_part(void *context, size_t part) {
    const product_block *block = context;
    const kernel_product_work *work = block->work;
    size_t groups = ceiling(block->panels, block->panels_each);
    size_t panel = part % groups * block->panels_each, tile_first = part / groups * block->tiles_each;
    size_t panel_end = least(panel + block->panels_each, block->panels);
    size_t tile_end = least(tile_first + block->tiles_each, block->tiles);
    size_t words = block->steps * block->kernel->step;
    float *room = NULL;
    if (work->b_form != kernel_panels && work->b_form != kernel_panels_bf16)
        room = scratch_take(1, (KERNEL_DEPTH + KERNEL_PANEL) * KERNEL_PANEL);
    for (; panel < panel_end; panel++) {
        size_t b_step;
        const float *b = panel_of(block, panel, room, &b_step);
        size_t columns = least(KERNEL_PANEL, work->n - panel * KERNEL_PANEL);
        for (size_t tile = tile_first; tile < tile_end; tile++) {
            size_t row = tile_row(block, tile), rows = tile_row(block, tile + 1) - row;
            float *c = work->c + (block->row + row) * work->c_stride + panel * KERNEL_PANEL;
            tile_output to = {c, work->c_stride, work->alpha, block->beta};
            block->kernel->tiles[rows - 1](block->packed + row * words, b, b_step, block->steps, &to, columns);
        }
    }
}

static void run(size_t parts, kernel_part *body, product_block *block, int shared) {
    if (shared)
        kernel_parallel(parts, body, block);
    else
        for (size_t part = 0; part < parts; part++) body(block, part);
}

static void product_block_run(product_block *block) {
    const kernel_product_work *work = block->work;
    size_t threads = kernel_parallel_threads();
    int shared = threads > 1 && block->rows * work->n * block->depth >= SHARED_FROM;
    block->packed = scratch_take(0, block->rows * block->steps * block->kernel->step);
    run(ceiling(block->tiles, TILES_EACH), pack_part, block, shared && block->rows * block->depth >= SHARED_WORDS);

    // About eight parts a thread: few panels each, or, where there are few of those, some of the tiles as
    // well.
    size_t parts = shared ? 8 * threads : 1;
    block->panels = ceiling(work->n, KERNEL_PANEL);
    block->panels_each = ceiling(block->panels, parts);
    size_t slices = ceiling(parts, ceiling(block->panels, block->panels_each));
    block->tiles_each = ceiling(block->tiles, least(slices, ceiling(block->tiles, TILES_EACH)));
    parts = ceiling(block->panels, block->panels_each) * ceiling(block->tiles, block->tiles_each);
    run(parts, product_part, block, shared);
}

static void scale(const kernel_product_work *work) {
    for (size_t row = 0; row < work->m; row++)
        for (size_t column = 0; column < work->n; column++) {
            float *c = work->c + row * work->c_stride + column;
            *c = work->beta == 0 ? 0 : work->beta * *c;
        }
}

void kernel_product(const kernel_product_work *work) {
    if (work->m == 0 || work->n == 0) return;
    if (work->k == 0) return scale(work);
    int bf16 = work->b_form >= kernel_panels_bf16;
    product_block block = {.work = work, .kernel = product_tiles(work->path, bf16)};
    block.form = !bf16 ? packed_plain : block.kernel->step == 1 ? packed_pairs : packed_rounded;
    size_t depth = product_depth(work->k);
    size_t rows_max = PACKED_WORDS / depth, blocks = ceiling(work->m, rows_max), rows = ceiling(work->m, blocks);
    for (block.row = 0; block.row < work->m; block.row += rows) {
        block.rows = least(rows, work->m - block.row);
        block.tiles = ceiling(block.rows, block.kernel->rows);
        for (block.first = 0; block.first < work->k; block.first += depth) {
            block.depth = least(depth, work->k - block.first);
            block.steps = bf16 ? (block.depth + 1) / 2 : block.depth;
            block.beta = block.first == 0 ? work->beta : 1;
            product_block_run(&block);
        }
    }
}
