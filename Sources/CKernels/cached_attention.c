// Lanes run over the sixteen keys of a page for scores, and over the columns of a head for values, so that nothing is
// summed across lanes but the softmax's denominator. Up to three query rows share a pass over a page. What is added
// for a row, and in which order, depends on its own keys only: the same bits whatever shares the pass.
#include "halves.h"
#include "tile.h"

typedef const kernel_cache_layer layer_t;
typedef const kernel_cache_group group_t;
typedef int32_t integers __attribute__((ext_vector_type(16)));
typedef uint32_t words __attribute__((ext_vector_type(16)));
typedef int16_t shorts __attribute__((ext_vector_type(16)));

enum { PAGE = KERNEL_PAGE_ROWS, ROWS = 3 };

INLINE size_t number_bytes(layer_t *layer) { return layer->is_half ? 2 : 4; }
// Of one key-value head in a page.
INLINE size_t head_bytes(layer_t *layer) {
    return PAGE * (layer->head_size + padded(layer->head_size)) * number_bytes(layer);
}

size_t kernel_cache_bytes(layer_t *layer) { return layer->key_value_heads * head_bytes(layer); }

// Sixteen numbers as float32. A finite binary16, sign and all, becomes binary32 by moving its bits and mending the
// exponent by a multiplication, which is exact.
INLINE void widen(lanes *v, const uint8_t *from, int is_half) {
    if (!is_half) {
        memcpy(v, from, sizeof *v);
        return;
    }
    shorts halves;
    memcpy(&halves, from, sizeof halves);
    words bits = (words)__builtin_convertvector(halves, integers) << 13 & 0x8FFFE000u;
    memcpy(v, &bits, sizeof *v);
    *v *= 0x1p112f;
}

INLINE void put(uint8_t *to, float x, int is_half) {
    if (is_half) {
        uint16_t half = (uint16_t)float_to_half(x);
        memcpy(to, &half, 2);
    } else {
        memcpy(to, &x, 4);
    }
}

INLINE void store_rows(layer_t *layer, const float *keys, const float *values, size_t rows, size_t first,
                       uint8_t *const *pages, int is_half) {
    size_t D = layer->head_size, depth = padded(D), size = is_half ? 2 : 4;
    for (size_t row = 0; row < rows; row++) {
        size_t column = (first + row) % PAGE;
        uint8_t *page = pages[(first + row) / PAGE] + layer->offset;
        for (size_t kv = 0; kv < layer->key_value_heads; kv++, page += head_bytes(layer)) {
            const float *key = keys + (row * layer->key_value_heads + kv) * D;
            const float *value = values + (row * layer->key_value_heads + kv) * D;
            uint8_t *to = page + (D * PAGE + column * depth) * size;
            for (size_t d = 0; d < D; d++) put(page + (d * PAGE + column) * size, key[d], is_half);
            for (size_t d = 0; d < D; d++) put(to + d * size, value[d], is_half);
            memset(to + D * size, 0, (depth - D) * size);
        }
    }
}

KERNEL void kernel_cache_store(layer_t *layer, const float *keys, const float *values, size_t rows, size_t first,
                               uint8_t *const *pages) {
    if (layer->is_half)
        store_rows(layer, keys, values, rows, first, pages, 1);
    else
        store_rows(layer, keys, values, rows, first, pages, 0);
}

// Query rows that share a pass: their queries, scores over all keys, and outputs.
typedef struct {
    const float *q[ROWS];
    float *scores[ROWS], *out[ROWS];
} tile_t;

// Scores of `rows` queries against pages `page` to page + count − 1 of a sequence; rows and count are constants.
INLINE void score_pages(const tile_t *tile, int rows, int count, uint8_t *const *pages, size_t page, size_t end,
                        size_t at, size_t D, int is_half, size_t to) {
    lanes sums[ROWS][2], key[2];
    const uint8_t *from[2], *next[2];
    for (int p = 0; p < count; p++) {
        from[p] = pages[page + (size_t)p] + at;
        next[p] = pages[page + (size_t)(p + count) < end ? page + (size_t)(p + count) : page] + at;
        for (int r = 0; r < rows; r++) sums[r][p] = 0;
    }
    size_t step = PAGE * (is_half ? 2 : 4);
    for (size_t d = 0; d < D; d++)
        for (int p = 0; p < count; p++) {
            __builtin_prefetch(next[p] + d * step);
            widen(&key[p], from[p] + d * step, is_half);
            for (int r = 0; r < rows; r++) sums[r][p] += tile->q[r][d] * key[p];
        }
    for (int p = 0; p < count; p++)
        for (int r = 0; r < rows; r++) store(tile->scores[r] + to + (page + (size_t)p) * PAGE, &sums[r][p]);
}

INLINE void score_rows(const tile_t *tile, int rows, uint8_t *const *pages, size_t page, size_t end, size_t at,
                       size_t D, int is_half, size_t to) {
    for (; page + 2 <= end; page += 2) score_pages(tile, rows, 2, pages, page, end, at, D, is_half, to);
    if (page < end) score_pages(tile, rows, 1, pages, page, end, at, D, is_half, to);
}

// Adds the values of rows `row` to end − 1 of a sequence to the outputs, weighed; rows and width (in lanes) are
// constants.
INLINE void add_columns(const tile_t *tile, int rows, int width, uint8_t *const *pages, size_t row, size_t end,
                        size_t at, size_t column, size_t depth, int is_half, size_t from) {
    lanes sums[ROWS][2], value[2];
    size_t size = is_half ? 2 : 4;
    for (int r = 0; r < rows; r++)
        for (int w = 0; w < width; w++) load(&sums[r][w], tile->out[r] + column + 16 * (size_t)w);
    while (row < end) {
        size_t last = row / PAGE * PAGE + PAGE < end ? row / PAGE * PAGE + PAGE : end;
        const uint8_t *page = pages[row / PAGE] + at + (row % PAGE * depth + column) * size;
        const uint8_t *next = last < end ? pages[row / PAGE + 1] + at + column * size : page;
        for (; row < last; row++, page += depth * size, next += depth * size) {
            __builtin_prefetch(next);
            for (int w = 0; w < width; w++) {
                widen(&value[w], page + 16 * (size_t)w * size, is_half);
                for (int r = 0; r < rows; r++) sums[r][w] += tile->scores[r][from + row] * value[w];
            }
        }
    }
    for (int r = 0; r < rows; r++)
        for (int w = 0; w < width; w++) store(tile->out[r] + column + 16 * (size_t)w, &sums[r][w]);
}

INLINE void add_values(const tile_t *tile, int rows, uint8_t *const *pages, size_t row, size_t end, size_t at,
                       size_t depth, int is_half, size_t from) {
    size_t column = 0;
    for (; column + 32 <= depth; column += 32)
        add_columns(tile, rows, 2, pages, row, end, at, column, depth, is_half, from);
    if (column < depth) add_columns(tile, rows, 1, pages, row, end, at, column, depth, is_half, from);
}

// Query rows of a group are counted sequence by sequence, head by head.
typedef struct {
    layer_t *layer;
    group_t *group;
    const float *q;     // of the key-value head's first query head
    float *scores;      // [count · heads of a group, width]
    float *sums;        // [count · heads of a group, depth]
    size_t heads, prefix, width, depth;
} work_t;

INLINE void take_rows(const work_t *work, size_t first, size_t rows, tile_t *tile) {
    size_t D = work->layer->head_size;
    for (size_t r = 0; r < rows; r++) {
        size_t sequence = (first + r) / work->heads, head = (first + r) % work->heads;
        tile->q[r] = work->q + ((work->group->first + sequence) * work->layer->heads + head) * D;
        tile->scores[r] = work->scores + (first + r) * work->width;
        tile->out[r] = work->sums + (first + r) * work->depth;
    }
}

// How many of `left` rows go together: three, but two and two of four.
INLINE size_t tile_rows(size_t left) { return left == 4 ? 2 : left < ROWS ? left : ROWS; }

// The first row, prefix and own ones counted together, that the query of a sequence sees.
INLINE size_t first_seen(const work_t *work, size_t sequence) {
    size_t seen = work->group->prefix_rows + work->group->own[sequence].rows, window = work->layer->window;
    return window && seen > window ? seen - window : 0;
}

INLINE void score(const work_t *work, size_t first, size_t count, uint8_t *const *pages, size_t row, size_t end,
                  size_t at, int is_half, size_t to) {
    size_t D = work->layer->head_size, page = row / PAGE, last = (end + PAGE - 1) / PAGE;
    for (size_t rows; count; first += rows, count -= rows) {
        tile_t tile;
        rows = tile_rows(count);
        take_rows(work, first, rows, &tile);
        if (rows == 3) score_rows(&tile, 3, pages, page, last, at, D, is_half, to);
        if (rows == 2) score_rows(&tile, 2, pages, page, last, at, D, is_half, to);
        if (rows == 1) score_rows(&tile, 1, pages, page, last, at, D, is_half, to);
    }
}

INLINE void add(const work_t *work, size_t first, size_t count, uint8_t *const *pages, size_t row, size_t end,
                size_t at, int is_half, size_t from) {
    for (size_t rows; count; first += rows, count -= rows) {
        tile_t tile;
        rows = tile_rows(count);
        take_rows(work, first, rows, &tile);
        if (rows == 3) add_values(&tile, 3, pages, row, end, at, work->depth, is_half, from);
        if (rows == 2) add_values(&tile, 2, pages, row, end, at, work->depth, is_half, from);
        if (rows == 1) add_values(&tile, 1, pages, row, end, at, work->depth, is_half, from);
    }
}

// Scores to weights, the softmax over the rows from `first` on; those of rows that are not seen become 0.
INLINE void weigh(const work_t *work, float *restrict scores, size_t first, size_t own) {
    size_t prefix = work->group->prefix_rows, start = work->prefix, end = start + padded(own);
    // Where the first row that is seen lies, and the page that it is in.
    size_t seen = first < prefix ? first : start + first - prefix, from = seen / PAGE * PAGE;
    float scale = work->layer->scale, cap = work->layer->cap;
    if (cap > 0.0f) {
        for (size_t t = from; t < end; t++) scores[t] = cap * tanh_inline(scores[t] * scale / cap);
        scale = 1.0f;
    }
    for (size_t t = from; t < seen; t++) scores[t] = -INFINITY;
    if (first < prefix)
        for (size_t t = prefix; t < start; t++) scores[t] = -INFINITY;
    for (size_t t = start + own; t < end; t++) scores[t] = -INFINITY;
    float largest = row_maximum(scores + from, end - from) * scale;
    for (size_t t = from; t < end; t++) scores[t] = exp_inline(scores[t] * scale - largest);
    lanes sum = 0, v;
    for (size_t t = from; t < end; t += PAGE) {
        load(&v, scores + t);
        sum += v;
    }
    float factor = 1.0f / lanes_sum(&sum);
    for (size_t t = from; t < end; t++) scores[t] *= factor;
}

INLINE void attend(layer_t *layer, group_t *group, size_t kv, const float *q, float *scratch, float *out,
                   int is_half) {
    size_t D = layer->head_size, heads = layer->heads / layer->key_value_heads, most = 0, earliest = SIZE_MAX;
    work_t work = {layer, group, q + kv * heads * D, scratch, NULL, heads, padded(group->prefix_rows), 0, padded(D)};
    for (size_t i = 0; i < group->count; i++) {
        size_t first = first_seen(&work, i);
        most = larger(most, group->own[i].rows);
        earliest = first < earliest ? first : earliest;
    }
    work.width = work.prefix + padded(most);
    work.sums = scratch + group->count * heads * work.width;
    memset(work.sums, 0, group->count * heads * work.depth * sizeof(float));
    size_t keys = layer->offset + kv * head_bytes(layer), values = keys + D * PAGE * (is_half ? 2 : 4);
    size_t prefix = group->prefix_rows;
    if (earliest < prefix) score(&work, 0, group->count * heads, group->prefix, earliest, prefix, keys, is_half, 0);
    for (size_t i = 0; i < group->count; i++) {
        size_t first = first_seen(&work, i), start = first < prefix ? 0 : first - prefix;
        const kernel_cache_own *own = group->own + i;
        score(&work, i * heads, heads, own->pages, start, own->rows, keys, is_half, work.prefix);
        for (size_t h = 0; h < heads; h++) {
            float *scores = work.scores + (i * heads + h) * work.width;
            weigh(&work, scores, first, own->rows);
            // What the group reads for others of it weighs nothing here.
            for (size_t t = earliest; t < first && t < prefix; t++) scores[t] = 0;
        }
    }
    if (earliest < prefix) add(&work, 0, group->count * heads, group->prefix, earliest, prefix, values, is_half, 0);
    for (size_t i = 0; i < group->count; i++) {
        size_t first = first_seen(&work, i), start = first < prefix ? 0 : first - prefix;
        const kernel_cache_own *own = group->own + i;
        add(&work, i * heads, heads, own->pages, start, own->rows, values, is_half, work.prefix);
        for (size_t h = 0; h < heads; h++)
            memcpy(out + ((group->first + i) * layer->heads + kv * heads + h) * D,
                   work.sums + (i * heads + h) * work.depth, D * sizeof(float));
    }
}

size_t kernel_cached_attention_scratch(layer_t *layer, group_t *group) {
    size_t most = 0;
    for (size_t i = 0; i < group->count; i++) most = larger(most, group->own[i].rows);
    size_t rows = group->count * layer->heads / layer->key_value_heads;
    return rows * (padded(group->prefix_rows) + padded(most) + padded(layer->head_size));
}

KERNEL WIDE void kernel_cached_attention(layer_t *layer, group_t *group, size_t key_value_head, const float *q,
                                         float *scratch, float *out) {
    if (layer->is_half)
        attend(layer, group, key_value_head, q, scratch, out, 1);
    else
        attend(layer, group, key_value_head, q, scratch, out, 0);
}
