#include "kernel.h"

KERNEL void kernel_adamw(const kernel_adamw_step *step, const float *restrict g, float *restrict p,
                         float *restrict m, float *restrict v, size_t n) {
    kernel_adamw_step s = *step;
    for (size_t i = 0; i < n; i++) {
        m[i] += s.complement1 * (g[i] - m[i]);
        v[i] = s.beta2 * v[i] + s.complement2 * (g[i] * g[i]);
        p[i] = p[i] * s.keep - s.size * (m[i] / (sqrtf(v[i]) / s.correction2_root + s.epsilon));
    }
}

void kernel_adamw_reference(const kernel_adamw_step *step, const float *g, float *p, float *m, float *v,
                            size_t n) {
    for (size_t i = 0; i < n; i++) {
        double first = m[i] + (double)step->complement1 * ((double)g[i] - m[i]);
        double second = (double)step->beta2 * v[i] + (double)step->complement2 * g[i] * g[i];
        double root = sqrt(second) / step->correction2_root + step->epsilon;
        m[i] = (float)first;
        v[i] = (float)second;
        p[i] = (float)((double)p[i] * step->keep - step->size * first / root);
    }
}
