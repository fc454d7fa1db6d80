// Matrix products: what is packed when, and who does which tiles.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "product_pack.h"
#include "product_tiles.h"

enum {
    // Words of a, and of b, that are packed at once, and of b that a core's cache keeps while rows of a pass
    // by.
    PACKED_WORDS = 1 << 20,
    CACHED_WORDS = 1 << 17,
    HUGE_PAGE = 2 << 20,
    // Multiplications that are worth a second thread, and words of a that several threads pack.
    SHARED_FROM = 3 << 15,
    SHARED_WORDS = 1 << 14,
    // Tiles that one thread packs in a row.
    TILES_EACH = 8,
};

// ---- Memory that each thread keeps for its next product, in large pages where it is large

typedef struct {
    float *memory[3];
    size_t words[3];
} scratch;

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static void scratch_free(void *pointer) {
    scratch *own = pointer;
    for (int which = 0; which < 3; which++) free(own->memory[which]);
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
        size_t bytes = words * sizeof(float), page = bytes < HUGE_PAGE ? 64 : HUGE_PAGE;
        bytes = (bytes + page - 1) / page * page;
        free(own->memory[which]);
        own->memory[which] = aligned_alloc(page, bytes);
        own->words[which] = words;
        if (page == HUGE_PAGE) madvise(own->memory[which], bytes, MADV_HUGEPAGE);
    }
    return own->memory[which];
}

// ---- One block of a product: some rows of a, some of the depth, some columns of b

enum { scratch_a, scratch_b, scratch_panel };

typedef struct {
    const kernel_product_work *work;
    const tile_kernel *kernel;
    packed_form form;
    size_t row, rows, tiles;      // of a and c
    size_t first, depth, steps;   // of k
    size_t panel, panels;         // of b
    size_t panel_words;           // of a packed panel
    float beta;
    float *packed, *packed_panels;  // a; and b, unless it is used in place or packed panel by panel
    size_t panels_each, tiles_each;  // what a part has
} product_block;

static size_t least(size_t a, size_t b) { return a < b ? a : b; }
static size_t ceiling(size_t a, size_t b) { return (a + b - 1) / b; }

static int in_place(const product_block *block) {
    kernel_form form = block->work->b_form;
    return form == kernel_panels || form == kernel_panels_bf16;
}

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

// A panel of b: in place, or packed into `room`.
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

// Packs some tiles, of the first columns' block, or else a panel.
static void pack_part(void *context, size_t part) {
    const product_block *block = context;
    size_t tile_parts = block->panel == 0 ? ceiling(block->tiles, TILES_EACH) : 0, first = part * TILES_EACH;
    if (part < tile_parts) return pack_tiles(block, first, least(first + TILES_EACH, block->tiles));
    size_t panel = part - tile_parts, step;
    panel_of(block, block->panel + panel, block->packed_panels + panel * block->panel_words, &step);
}

// A tile times a panel.
static void multiply(const product_block *block, size_t tile, size_t panel, const float *b, size_t b_step) {
    const kernel_product_work *work = block->work;
    size_t row = tile_row(block, tile), rows = tile_row(block, tile + 1) - row;
    size_t column = (block->panel + panel) * KERNEL_PANEL;
    float *c = work->c + (block->row + row) * work->c_stride + column;
    tile_output to = {c, work->c_stride, work->alpha, block->beta};
    const float *a = block->packed + row * block->steps * block->kernel->step;
    block->kernel->tiles[rows - 1](a, b, b_step, block->steps, &to, least(KERNEL_PANEL, work->n - column));
}

// Some tiles times some panels: of panels that are there, as many at a time as a core's cache keeps.
static void product_part(void *context, size_t part) {
    const product_block *block = context;
    size_t groups = ceiling(block->panels, block->panels_each);
    size_t panel = part % groups * block->panels_each, tile = part / groups * block->tiles_each;
    size_t panel_end = least(panel + block->panels_each, block->panels);
    size_t tile_end = least(tile + block->tiles_each, block->tiles);
    if (!in_place(block) && !block->packed_panels) {
        float *room = scratch_take(scratch_panel, block->panel_words);
        for (; panel < panel_end; panel++) {
            size_t step;
            const float *b = panel_of(block, block->panel + panel, room, &step);
            for (size_t t = tile; t < tile_end; t++) multiply(block, t, panel, b, step);
        }
        return;
    }
    for (size_t some = CACHED_WORDS / block->panel_words; panel < panel_end; panel += some)
        for (size_t t = tile; t < tile_end; t++)
            for (size_t p = panel; p < least(panel + some, panel_end); p++) {
                size_t step = KERNEL_PANEL;
                const float *b = block->packed_panels ? block->packed_panels + p * block->panel_words
                                                      : panel_of(block, p, NULL, &step);
                multiply(block, t, p, b, step);
            }
}

static void run(size_t parts, kernel_part *body, product_block *block, int shared) {
    if (shared)
        kernel_parallel(parts, body, block);
    else
        for (size_t part = 0; part < parts; part++) body(block, part);
}

static void product_block_run(product_block *block) {
    size_t threads = kernel_parallel_threads();
    size_t words = block->rows * block->depth, panels = block->packed_panels ? block->panels : 0;
    int shared = threads > 1 && words * block->panels * KERNEL_PANEL >= SHARED_FROM;
    size_t tiles = block->panel == 0 ? ceiling(block->tiles, TILES_EACH) : 0;
    run(tiles + panels, pack_part, block, shared && words >= SHARED_WORDS);

    // About eight parts a thread: few panels each, or, where there are few of those or many tiles, some of
    // the tiles as well.
    size_t parts = shared ? 8 * threads : 1, cached = CACHED_WORDS / block->panel_words;
    block->panels_each = ceiling(block->panels, parts);
    if (shared && block->tiles > TILES_EACH && block->panels_each < cached)
        block->panels_each = least(cached, block->panels);
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
    size_t depth = product_depth(work->k), panels = ceiling(work->n, KERNEL_PANEL);
    size_t blocks = ceiling(work->m, PACKED_WORDS / depth), rows = ceiling(work->m, blocks);
    block.panel_words = (bf16 ? depth / 2 : depth) * KERNEL_PANEL;
    for (block.row = 0; block.row < work->m; block.row += rows) {
        block.rows = least(rows, work->m - block.row);
        block.tiles = ceiling(block.rows, block.kernel->rows);
        // Panels that many tiles use are packed before, the others by who uses them.
        int packs = !in_place(&block) && block.tiles > TILES_EACH;
        size_t panels_max = packs ? PACKED_WORDS / block.panel_words : panels;
        for (block.first = 0; block.first < work->k; block.first += depth) {
            block.depth = least(depth, work->k - block.first);
            block.steps = bf16 ? (block.depth + 1) / 2 : block.depth;
            block.beta = block.first == 0 ? work->beta : 1;
            block.packed = scratch_take(scratch_a, block.rows * block.steps * block.kernel->step);
            for (block.panel = 0; block.panel < panels; block.panel += panels_max) {
                block.panels = least(panels_max, panels - block.panel);
                block.packed_panels = packs ? scratch_take(scratch_b, block.panels * block.panel_words) : NULL;
                product_block_run(&block);
            }
        }
    }
}
