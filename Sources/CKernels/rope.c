#include "kernel.h"

KERNEL void kernel_rope(const float *x, const int32_t *positions, const float *cosine, const float *sine,
                        float direction, int accumulate, float *y, size_t rows, size_t heads,
                        size_t head_size, size_t rotary_size) {
    size_t half = rotary_size / 2;
    float keep = accumulate ? 1.0f : 0.0f;
    for (size_t r = 0; r < rows; r++) {
        const float *c = cosine + (size_t)positions[r] * half, *s = sine + (size_t)positions[r] * half;
        for (size_t h = 0; h < heads; h++) {
            const float *from = x + (r * heads + h) * head_size;
            float *restrict to = y + (r * heads + h) * head_size;
            if (!accumulate) memset(to, 0, head_size * sizeof(float));
            for (size_t i = 0; i < half; i++) {
                float a = from[i], b = from[half + i], turn = direction * s[i];
                to[i] = keep * to[i] + (a * c[i] - b * turn);
                to[half + i] = keep * to[half + i] + (b * c[i] + a * turn);
            }
            for (size_t i = rotary_size; i < head_size; i++) to[i] = keep * to[i] + from[i];
        }
    }
}

void kernel_rope_reference(const float *x, const int32_t *positions, const float *cosine, const float *sine,
                           float direction, int accumulate, float *y, size_t rows, size_t heads,
                           size_t head_size, size_t rotary_size) {
    size_t half = rotary_size / 2;
    for (size_t j = 0; j < rows * heads * head_size; j++) {
        size_t i = j % head_size, row = j / (heads * head_size);
        float turned = x[j];
        if (i < rotary_size) {
            size_t angle = (size_t)positions[row] * half + i % half;
            float partner = i < half ? -x[j + half] : x[j - half];
            turned = x[j] * cosine[angle] + direction * partner * sine[angle];
        }
        y[j] = accumulate ? y[j] + turned : turned;
    }
}
