// The loops of `tributary bench`: what products and reading are measured against.
#include "peak_kernels.h"

#include "kernel.h"

// As many independent registers as hide the latency of an instruction: 4 or 5 cycles at two a cycle, and some more.
#define REGISTERS(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
enum { register_count = 12 };

#if defined(__x86_64__)
#include <immintrin.h>

// A loop of one instruction on all registers. They start at 1 or 0 and are multiplied by values that keep them finite.
#define LOOP(NAME, TARGET, TYPE, START, INSTRUCTION)                                                              \
    __attribute__((target(TARGET), noinline)) static void NAME(size_t turns) {                                   \
        TYPE factor = START;                                                                                     \
        REGISTERS(NAME##_START)                                                                                  \
        for (size_t turn = 0; turn < turns; turn++) { REGISTERS(NAME##_STEP) }                                   \
    }

#define fma512_START(I) __m512 r##I = factor;
#define fma512_STEP(I) __asm__ volatile("vfmadd231ps %1, %1, %0" : "+v"(r##I) : "v"(factor));
LOOP(fma512, "avx512f", __m512, _mm512_setzero_ps(), )
#define fma256_START(I) __m256 r##I = factor;
#define fma256_STEP(I) __asm__ volatile("vfmadd231ps %1, %1, %0" : "+x"(r##I) : "x"(factor));
LOOP(fma256, "avx2,fma", __m256, _mm256_setzero_ps(), )
#define bf512_START(I) __m512i r##I = factor;
#define bf512_STEP(I) __asm__ volatile("vdpbf16ps %1, %1, %0" : "+v"(r##I) : "v"(factor));
LOOP(bf512, "avx512f,avx512bf16", __m512i, _mm512_setzero_si512(), )
#define vnni512_START(I) __m512i r##I = factor;
#define vnni512_STEP(I) __asm__ volatile("vpdpbusd %1, %1, %0" : "+v"(r##I) : "v"(factor));
LOOP(vnni512, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512(), )
// Without a dot product of bytes: products to 16 bits, their pairs to 32, and the addition.
#define madd256_START(I) __m256i r##I = factor;
#define madd256_STEP(I)                                                                                          \
    {                                                                                                            \
        __m256i product;                                                                                         \
        __asm__ volatile("vpmaddubsw %2, %2, %1\n\tvpmaddwd %1, %2, %1\n\tvpaddd %1, %0, %0"                      \
                         : "+x"(r##I), "=&x"(product)                                                            \
                         : "x"(factor));                                                                         \
    }
LOOP(madd256, "avx2", __m256i, _mm256_setzero_si256(), )

// Twice as many turns of a half as wide register are the same: only the widest loop of each kind is offered.
static int has_avx512(void) { return __builtin_cpu_supports("avx512f"); }
static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static int has_bf16(void) { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }
static int has_vnni(void) { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }
#endif

struct peak {
    const char *instruction;
    size_t operations;
    void (*run)(size_t turns);
};

static struct peak peak_of(enum kernel_peak kind) {
    struct peak none = {NULL, 0, NULL};
#if defined(__x86_64__)
    if (kind == KERNEL_PEAK_FLOAT32 && has_avx512())
        return (struct peak){"vfmadd231ps, 512 bits", register_count * 32, fma512};
    if (kind == KERNEL_PEAK_FLOAT32 && has_avx2())
        return (struct peak){"vfmadd231ps, 256 bits", register_count * 16, fma256};
    if (kind == KERNEL_PEAK_BFLOAT16 && has_bf16())
        return (struct peak){"vdpbf16ps, 512 bits", register_count * 64, bf512};
    if (kind == KERNEL_PEAK_INT8 && has_vnni())
        return (struct peak){"vpdpbusd, 512 bits", register_count * 128, vnni512};
    if (kind == KERNEL_PEAK_INT8 && has_avx2())
        return (struct peak){"vpmaddubsw and vpmaddwd, 256 bits", register_count * 64, madd256};
#endif
    return none;
}

const char *kernel_peak_instruction(enum kernel_peak kind) { return peak_of(kind).instruction; }

size_t kernel_peak_operations(enum kernel_peak kind) { return peak_of(kind).operations; }

void kernel_peak_run(enum kernel_peak kind, size_t turns) {
    struct peak peak = peak_of(kind);
    if (peak.run) peak.run(turns);
}

WIDE KERNEL float kernel_peak_read(const float *x, size_t n) {
    lanes sums[4] = {0}, v;
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        for (int part = 0; part < 4; part++) {
            load(&v, x + i + 16 * part);
            sums[part] += v;
        }
    for (; i + 16 <= n; i += 16) {
        load(&v, x + i);
        sums[0] += v;
    }
    load_part(&v, x + i, n - i, 0);
    sums[0] += (sums[1] + v) + (sums[2] + sums[3]);
    return lanes_sum(&sums[0]);
}

float kernel_peak_read_reference(const float *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return (float)sum;
}
