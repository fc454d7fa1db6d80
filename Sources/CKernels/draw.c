#include "softmax.h"

// Exponentials are summed in at most so many parts, of whole pieces, so that the part of a draw is found without
// computing them all again.
enum { PARTS = 1024 };

// e^(scale x − largest) of some columns.
INLINE void exponentials(const float *x, size_t count, float scale, float largest, float *restrict to) {
    for (size_t c = 0; c < count; c++) to[c] = exp_inline(x[c] * scale - largest);
}

KERNEL kernel_drawn kernel_draw(const float *x, size_t columns, float scale, double uniform) {
    const kernel_drawn nothing = {-1, 0};
    float largest = row_maximum(x, columns) * scale;
    if (isinf(largest)) return nothing;
    double sums[PARTS], total = 0;
    size_t part = PIECE;
    while (columns > PARTS * part) part *= 2;
    for (size_t start = 0; start < columns; start += part) {
        double sum = 0;
        size_t end = columns - start < part ? columns : start + part;
        for (size_t piece = start; piece < end; piece += PIECE)
            sum += piece_sum(x + piece, piece_end(piece, end) - piece, scale, largest);
        sums[start / part] = sum;
        total += sum;
    }
    if (!(total < INFINITY)) return nothing;
    // Rounding can leave a crumb beyond the last part, or the last token of one, that has any probability.
    double left = uniform * total;
    size_t chosen = 0;
    for (size_t i = 0; i * part < columns; i++) {
        if (sums[i] == 0) continue;
        if (i > chosen) left -= sums[chosen];
        chosen = i;
        if (left < sums[i]) break;
    }
    kernel_drawn drawn = nothing;
    size_t end = columns - chosen * part < part ? columns : (chosen + 1) * part;
    for (size_t start = chosen * part; start < end; start += PIECE) {
        float p[PIECE];
        size_t count = piece_end(start, end) - start;
        exponentials(x + start, count, scale, largest, p);
        for (size_t c = 0; c < count; c++) {
            if (p[c] == 0) continue;
            drawn.column = (int32_t)(start + c);
            if (left < p[c]) goto found;
            left -= p[c];
        }
    }
found:
    drawn.log_probability = x[drawn.column] * scale - (largest + (float)log(total));
    return drawn;
}

KERNEL kernel_drawn kernel_draw_greedy(const float *x, size_t columns) {
    kernel_drawn drawn = {-1, 0};
    float largest = row_maximum(x, columns);
    double total = 0;
    for (size_t start = 0; start < columns; start += PIECE)
        total += piece_sum(x + start, piece_end(start, columns) - start, 1, largest);
    if (isinf(largest) || !(total < INFINITY)) return drawn;
    size_t c = 0;
    while (x[c] != largest) c++;
    drawn.column = (int32_t)c;
    drawn.log_probability = x[c] - (largest + (float)log(total));
    return drawn;
}

// Probabilities are counted by how far below the largest they are, in steps of 1/16.
enum { STEPS = 1024 };
static const float steps_per_unit = 16.0f;

KERNEL float kernel_nucleus(const float *x, size_t columns, float scale, double share, float *sum) {
    double masses[STEPS] = {0}, total = 0;
    float largest = row_maximum(x, columns) * scale;
    for (size_t start = 0; start < columns; start += PIECE) {
        float p[PIECE];
        int32_t steps[PIECE];
        size_t count = piece_end(start, columns) - start;
        total += piece_sum(x + start, count, scale, largest);
        exponentials(x + start, count, scale, largest, p);
        for (size_t c = 0; c < count; c++) {
            float below = (largest - x[start + c] * scale) * steps_per_unit;
            steps[c] = below < STEPS - 1 ? (int32_t)below : STEPS - 1;
        }
        for (size_t c = 0; c < count; c++) masses[steps[c]] += p[c];
    }
    *sum = isinf(largest) ? NAN : largest + (float)log(total);
    // One step more than the sum asks for: the order of summation, and that of the comparison, round.
    double left = share * total;
    size_t step = 0;
    while (step < STEPS - 1 && left > 0) left -= masses[step++];
    return step < STEPS - 2 ? largest - (float)(step + 1) / steps_per_unit : -INFINITY;
}

size_t kernel_nucleus_take(const float *x, size_t columns, float scale, float least, float sum, int32_t *taken,
                           float *probabilities) {
    size_t count = 0;
    for (size_t c = 0; c < columns; c++) {
        if (!(x[c] * scale >= least)) continue;
        if (taken) {
            taken[count] = (int32_t)c;
            probabilities[count] = exp_inline(x[c] * scale - sum);
        }
        count++;
    }
    return count;
}

// ---- Scalar twins

kernel_drawn kernel_draw_reference(const float *x, size_t columns, float scale, double uniform) {
    kernel_drawn drawn = {-1, 0};
    double largest = -INFINITY, total = 0;
    for (size_t c = 0; c < columns; c++) largest = fmax(largest, (double)x[c] * scale);
    for (size_t c = 0; c < columns; c++) total += exp((double)x[c] * scale - largest);
    if (!isfinite(largest) || !isfinite(total)) return drawn;
    double left = uniform * total;
    for (size_t c = 0; c < columns; c++) {
        double p = exp((double)x[c] * scale - largest);
        if (p == 0) continue;
        drawn.column = (int32_t)c;
        if (left < p) break;
        left -= p;
    }
    drawn.log_probability = (float)((double)x[drawn.column] * scale - largest - log(total));
    return drawn;
}

kernel_drawn kernel_draw_greedy_reference(const float *x, size_t columns) {
    kernel_drawn drawn = {-1, 0};
    double total = 0;
    size_t best = 0;
    for (size_t c = 0; c < columns; c++) best = x[c] > x[best] ? c : best;
    for (size_t c = 0; c < columns; c++) total += exp((double)x[c] - x[best]);
    if (!isfinite(x[best]) || !isfinite(total)) return drawn;
    drawn.column = (int32_t)best;
    drawn.log_probability = (float)-log(total);
    return drawn;
}
