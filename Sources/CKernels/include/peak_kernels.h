// What the CPU could do at best: register loops of the arithmetic that products are made of, and reading memory.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The arithmetic of a loop.
enum kernel_peak {
    /// Fused multiply-add of float32.
    KERNEL_PEAK_FLOAT32,
    /// Products of pairs of bfloat16, added to float32.
    KERNEL_PEAK_BFLOAT16,
    /// Products of four 8-bit integers, added to 32-bit ones.
    KERNEL_PEAK_INT8,
};

/// The instruction of the widest such loop that this CPU has, such as "vfmadd231ps, 512 bits"; NULL if it has none.
const char *kernel_peak_instruction(enum kernel_peak kind);
/// How many operations (a multiplication and an addition are two) a turn of that loop does; 0 if it has none.
size_t kernel_peak_operations(enum kernel_peak kind);
/// Runs the loop for some turns, on independent registers that nothing is loaded into or stored from.
void kernel_peak_run(enum kernel_peak kind, size_t turns);
/// The sum of x, read once in order: as fast as memory comes. Lanes are summed in a fixed order of their own.
float kernel_peak_read(const float *x, size_t n);
float kernel_peak_read_reference(const float *x, size_t n);

#ifdef __cplusplus
}
#endif
