// The scalar twins of cached_attention.c: one query row and one head at a time, in double.
#include "halves.h"

typedef const kernel_cache_layer layer_t;

static size_t width_of(layer_t *layer) { return (layer->head_size + 15) / 16 * 16; }

// One number of a page: of key `row` or, after the keys, of value `row`.
static size_t place(layer_t *layer, size_t kv, size_t row, size_t d, int is_value) {
    size_t D = layer->head_size, head = KERNEL_PAGE_ROWS * (D + width_of(layer)), at = row % KERNEL_PAGE_ROWS;
    return kv * head + (is_value ? D * KERNEL_PAGE_ROWS + at * width_of(layer) + d : d * KERNEL_PAGE_ROWS + at);
}

static double number(layer_t *layer, uint8_t *const *pages, size_t kv, size_t row, size_t d, int is_value) {
    const uint8_t *part = pages[row / KERNEL_PAGE_ROWS] + layer->offset;
    size_t at = place(layer, kv, row, d, is_value);
    if (layer->is_half) return half_to_float(bits16(part + 2 * at));
    float x;
    memcpy(&x, part + 4 * at, 4);
    return x;
}

void kernel_cache_store_reference(layer_t *layer, const float *keys, const float *values, size_t rows,
                                  size_t first, uint8_t *const *pages) {
    for (size_t row = 0; row < rows; row++)
        for (size_t kv = 0; kv < layer->key_value_heads; kv++)
            for (int is_value = 0; is_value < 2; is_value++)
                for (size_t d = 0; d < (is_value ? width_of(layer) : layer->head_size); d++) {
                    uint8_t *part = pages[(first + row) / KERNEL_PAGE_ROWS] + layer->offset;
                    size_t at = place(layer, kv, first + row, d, is_value);
                    const float *from = (is_value ? values : keys) +
                                        (row * layer->key_value_heads + kv) * layer->head_size;
                    float x = d < layer->head_size ? from[d] : 0;
                    if (layer->is_half)
                        kernel_quantise_f16_reference(&x, part + 2 * at, 1);
                    else
                        memcpy(part + 4 * at, &x, 4);
                }
}

void kernel_cached_attention_reference(layer_t *layer, const kernel_cache_group *group, size_t key_value_head,
                                       const float *q, float *out) {
    size_t D = layer->head_size, heads = layer->heads / layer->key_value_heads, prefix = group->prefix_rows;
    for (size_t i = 0; i < group->count * heads; i++) {
        const kernel_cache_own *own = group->own + i / heads;
        size_t at = ((group->first + i / heads) * layer->heads + key_value_head * heads + i % heads) * D;
        size_t seen = prefix + own->rows, first = layer->window && seen > layer->window ? seen - layer->window : 0;
        double sum = 0, largest = -INFINITY;
        double mean[D];
        for (size_t d = 0; d < D; d++) mean[d] = 0;
        for (int pass = 0; pass < 2; pass++)
            for (size_t t = first; t < seen; t++) {
                uint8_t *const *pages = t < prefix ? group->prefix : own->pages;
                size_t row = t < prefix ? t : t - prefix;
                double score = 0;
                for (size_t d = 0; d < D; d++)
                    score += q[at + d] * number(layer, pages, key_value_head, row, d, 0);
                score *= layer->scale;
                if (layer->cap > 0) score = layer->cap * tanh(score / layer->cap);
                if (pass == 0) largest = fmax(largest, score);
                double weight = pass ? exp(score - largest) : 0;
                sum += weight;
                for (size_t d = 0; d < D; d++)
                    mean[d] += weight * number(layer, pages, key_value_head, row, d, 1);
            }
        for (size_t d = 0; d < D; d++) out[at + d] = (float)(mean[d] / sum);
    }
}
