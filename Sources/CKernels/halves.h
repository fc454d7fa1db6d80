// binary16 as bits, shared by the files that read and write blocks.
#pragma once

#include "kernel.h"

INLINE uint32_t bits16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }

// binary16 → binary32 without branches: the exponent is moved by a multiplication, which also normalises
// subnormals; infinities and NaN get the exponent they lost.
INLINE float half_to_float(uint32_t h) {
    uint32_t magnitude = (h & 0x7FFFu) << 13;
    float value;
    memcpy(&value, &magnitude, 4);
    value *= 0x1p112f;
    uint32_t bits;
    memcpy(&bits, &value, 4);
    bits |= (h & 0x7C00u) == 0x7C00u ? 0x7F800000u : 0u;
    bits |= (h & 0x8000u) << 16;
    memcpy(&value, &bits, 4);
    return value;
}
